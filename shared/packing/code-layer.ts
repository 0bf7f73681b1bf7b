/** The code as a layer of an image: the tree that `COPY . .` would make of the same files, byte for byte the same. */
import type { Readable } from 'node:stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { compressedTar } from './compressed-tar.ts';
import { entriesOf, writeEntries } from './entries.ts';
import { newFolders } from './safe-paths.ts';
import { writeTarFolder } from './tar-entry.ts';
import type { GeneratedFile, SourceFile, SourceListing } from './types.ts';

export interface CodeLayer {
  /**
   * Gzipped tar, read from S3 anew at each call. Must be read to its end. What fails destroys it:
   * RetryableError('SourceChanging') where a file is no longer the one that was listed.
   */
  open: () => Readable;
  /**
   * Settles when a stream of `open` comes to its end for the first time; what fails before it does not count. The diff
   * id is the SHA-256 of the uncompressed tar, so it depends on root, path, mode, size and content of each file, and on
   * nothing else.
   */
  done: Promise<{ diffId: `sha256:${string}` }>;
}

/**
 * The user's files and ours under `root`, such as `/app`, with every folder above them, ordered by path; `files` may be
 * empty. Owner 0:0, time 0, folders 0755, files 0644 or, where they are programs, 0755.
 *
 * The tar is the same on every machine. What Deflate makes of it is the same for the same version of Node on every
 * processor with a CRC32 instruction (x86 since 2010, 64-bit Arm with few exceptions): zlib in Node hashes with it. The
 * digest of the blob may differ elsewhere, and with another version of Node.
 */
export function codeLayer(
  store: Pick<ObjectStore, 'open'>,
  listing: SourceListing,
  files: readonly SourceFile[],
  ours: readonly GeneratedFile[],
  root: string,
): CodeLayer {
  const folder = `${root.replace(/^\/|\/$/g, '')}/`;
  const entries = entriesOf(store, listing, files, ours).map((entry) => ({ ...entry, path: folder + entry.path }));
  const { promise: done, resolve } = Promise.withResolvers<{ diffId: `sha256:${string}` }>();
  let known: string | undefined;
  const ended = (sha256: string) => {
    known ??= sha256;
    if (sha256 !== known) {
      throw new RetryableError(
        'SourceChanging',
        `s3://${listing.bucket}/${listing.prefix} gave other bytes when it was read again: it will be read once more`,
        { retryAfter: 5 },
      );
    }
    resolve({ diffId: `sha256:${sha256}` });
  };
  return {
    open: () => {
      return compressedTar(
        'gzip',
        async (tar) => {
          let written = '';
          await writeEntries(tar, entries, {
            before: ({ path }) => {
              for (const parent of newFolders(path, written)) {
                writeTarFolder(tar, parent);
              }
              written = path;
            },
          });
        },
        ended,
      ).body;
    },
    done,
  };
}
