/** Unpacks the archive of a build context, and lets nothing out of the folder. */
import { createReadStream, createWriteStream, mkdirSync, utimesSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { BuildError } from './build-error.ts';

/**
 * Into a new folder, from a tar.gz. What packs it (shared/packing) writes files alone, and each once: everything else
 * is refused, and names that leave the folder. Throws BuildError.
 */
export async function unpackArchive(archive: string, folder: string): Promise<void> {
  const unpack = extract();
  const write = async () => {
    for await (const entry of unpack) {
      await writeEntry(entry.header, entry as unknown as Readable, folder);
      entry.resume();
    }
  };
  const results = await Promise.allSettled([write(), pipeline(createReadStream(archive), createGunzip(), unpack)]);
  // An entry that is refused ends the reading as well: then the reason is the refusal, not the end.
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  const error = errors.find((candidate) => candidate instanceof BuildError) ?? errors[0];
  if (error !== undefined) {
    throw error instanceof BuildError ? error : new BuildError(`unpacking ${archive}: ${error.message}`);
  }
}

async function writeEntry(
  { name, type, mode = 0o644, mtime }: Header,
  content: Readable,
  folder: string,
): Promise<void> {
  const isSafe = !name.startsWith('/') && !/[\0\\]/.test(name) && !name.split('/').includes('..');
  if (!isSafe || (type !== 'file' && type !== 'directory')) {
    const why = isSafe ? `is of type ${type}: only files and folders are taken` : 'leaves the folder it is unpacked to';
    throw new BuildError(`unpacking the build context: entry ${JSON.stringify(name)} ${why}`);
  }
  const target = join(folder, posix.normalize(name));
  if (type === 'directory') {
    mkdirSync(target, { recursive: true });
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  await pipeline(content, createWriteStream(target, { mode: mode & 0o777, flags: 'wx' }));
  if (mtime !== undefined) {
    utimesSync(target, mtime, mtime);
  }
}
