/** Unpacks tar archives, compressed or not, and lets nothing out of the folder. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { BuildError } from './build-error.ts';

/**
 * An archive is somebody's input. Refused are entries with an absolute name or with `..`, links that lead out of the folder, entries that would
 * be written through a link, and devices. Links within are kept. Throws BuildError.
 */
export async function unpackArchive(archive: string, folder: string): Promise<void> {
  const unpack = extract();
  const write = async () => {
    for await (const entry of unpack) {
      await writeEntry(entry.header, entry as unknown as Readable, folder);
      entry.resume();
    }
  };
  const source = createReadStream(archive);
  const read = isGzip(archive) ? pipeline(source, createGunzip(), unpack) : pipeline(source, unpack);
  const results = await Promise.allSettled([write(), read]);
  // An entry that is refused ends the reading as well: then the reason is the refusal, not the end.
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  const error = errors.find((candidate) => candidate instanceof BuildError) ?? errors[0];
  if (error instanceof BuildError) {
    throw error;
  }
  if (error !== undefined) {
    throw new BuildError(`unpacking ${archive}: ${error.message}`);
  }
}

function isGzip(archive: string): boolean {
  const start = Buffer.alloc(2);
  try {
    const file = openSync(archive, 'r');
    readSync(file, start);
    closeSync(file);
  } catch (error) {
    throw new BuildError(`reading ${archive}: ${error instanceof Error ? error.message : error}`);
  }
  return start[0] === 0x1f && start[1] === 0x8b;
}

async function writeEntry(header: Header, content: Readable, folder: string): Promise<void> {
  const name = safeName(header.name);
  if (name === '') {
    return;
  }
  const target = join(folder, name);
  const mode = (header.mode ?? 0o644) & 0o777;
  refuseLinkOnTheWay(folder, posix.dirname(name), header.name);
  mkdirSync(dirname(target), { recursive: true });
  const there = lstatSync(target, { throwIfNoEntry: false });
  switch (header.type) {
    case 'directory':
      if (there !== undefined && !there.isDirectory()) {
        rmSync(target);
      }
      mkdirSync(target, { recursive: true, mode: mode | 0o700 });
      return;
    case 'file':
    case 'contiguous-file':
      if (there !== undefined) {
        rmSync(target, { recursive: true });
      }
      await pipeline(content, createWriteStream(target, { mode, flags: 'wx' }));
      return;
    case 'symlink': {
      const link = header.linkname ?? '';
      const leads = posix.normalize(posix.join(posix.dirname(name), link));
      // Behind a name that is itself a link `..` climbs from elsewhere, so it may stand at the beginning alone.
      const words = link.split('/').filter((word) => word !== '' && word !== '.');
      const climbsLater =
        words.slice(words.findIndex((word) => word !== '..')).includes('..') && words.some((word) => word !== '..');
      const isOutside = posix.isAbsolute(link) || leads === '..' || leads.startsWith('../');
      if (isOutside || climbsLater || link.includes('\0')) {
        throw refused(header.name, `is a link that leads out of the archive (to "${link}")`);
      }
      if (there !== undefined) {
        rmSync(target, { recursive: true });
      }
      symlinkSync(link, target);
      return;
    }
    default:
      throw refused(
        header.name,
        `is of type ${header.type ?? 'unknown'}: only files, folders and symbolic links are taken`,
      );
  }
}

function safeName(name: string): string {
  const parts = name.split('/');
  if (name.startsWith('/') || name.includes('\0') || name.includes('\\') || parts.includes('..')) {
    throw refused(name, 'leaves the folder it is unpacked to');
  }
  return posix.normalize(name).replace(/\/$/, '').replace(/^\.$/, '');
}

/** A link is checked when it is written, by its text. What is then written below it would follow it. */
function refuseLinkOnTheWay(folder: string, parents: string, name: string): void {
  let path = folder;
  for (const part of parents.split('/')) {
    if (part === '.') {
      continue;
    }
    path = join(path, part);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw refused(name, 'would be written through a link of the same archive');
    }
  }
}

function refused(name: string, why: string): BuildError {
  return new BuildError(`unpacking the build context: entry ${JSON.stringify(name)} ${why}`);
}
