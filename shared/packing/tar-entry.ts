/** Writes the entries of a tar deterministically: with a fixed owner, time and mode. */
import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Pack } from 'tar-stream';
import { RetryableError } from '#shared/events/errors.ts';

export type Content = Iterable<Buffer> | Readable;

const SAME = { mtime: new Date(0), uid: 0, gid: 0 };

/** `name` ends in `/`. */
export function writeTarFolder(tar: Pack, name: string): void {
  tar.entry({ name, type: 'directory', mode: 0o755, ...SAME });
}

/** Writes a file and hashes its content. Throws RetryableError where the content is not as long as the listing says. */
export async function writeTarEntry(
  tar: Pack,
  { path, size }: { path: string; size: number },
  content: Content,
  hash?: Hash,
): Promise<void> {
  const written = Promise.withResolvers<void>();
  // It is awaited below, but may reject earlier, while a chunk is being read.
  written.promise.catch(() => undefined);
  let sink: ReturnType<Pack['entry']> | undefined;
  let bytes = 0;
  // The header comes first and contains the mode, which depends on the first bytes.
  const open = (beginning: Buffer) => {
    const mode = isProgram(beginning) ? 0o755 : 0o644;
    hash?.update(JSON.stringify([path, mode, size]));
    const entry = tar.entry({ name: path, size, mode, ...SAME }, (error) => {
      if (error) {
        written.reject(error);
      } else {
        written.resolve();
      }
    });
    // The callback gets the same error. Without a listener it would end the process.
    entry.on('error', () => undefined);
    return entry;
  };
  for await (const chunk of atLeast(PROGRAM_BYTES, content)) {
    sink ??= open(chunk);
    bytes += chunk.length;
    hash?.update(chunk);
    if (!sink.write(chunk)) {
      const stream = sink;
      await Promise.race([new Promise<void>((resolve) => stream.once('drain', () => resolve())), written.promise]);
    }
  }
  if (bytes !== size) {
    throw new RetryableError('Unavailable', `${path} ended after ${bytes} of its ${size} bytes`);
  }
  (sink ?? open(Buffer.alloc(0))).end(undefined);
  await written.promise;
}

/**
 * S3 stores no modes. A script with `#!` and an ELF file are made executable, so that a Dockerfile's ENTRYPOINT can
 * name them.
 */
function isProgram(beginning: Buffer): boolean {
  return beginning.subarray(0, 2).equals(SCRIPT) || beginning.subarray(0, 4).equals(ELF);
}

const SCRIPT = Buffer.from('#!');
const ELF = Buffer.from('\x7fELF', 'latin1');
const PROGRAM_BYTES = 4;

/** The same content, with a first chunk of at least `minimum` bytes where there are so many. */
async function* atLeast(minimum: number, content: Content): AsyncIterable<Buffer> {
  let first: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of content) {
    if (first === undefined) {
      yield chunk as Buffer;
      continue;
    }
    first = first.length === 0 ? (chunk as Buffer) : Buffer.concat([first, chunk as Buffer]);
    if (first.length >= minimum) {
      yield first;
      first = undefined;
    }
  }
  if (first !== undefined && first.length > 0) {
    yield first;
  }
}
