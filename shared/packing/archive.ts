/** The build context as a deterministic tar, compressed by zstd: the same files always give the same bytes. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { compressedTar } from './compressed-tar.ts';
import { entriesOf, writeEntries } from './entries.ts';
import { RECIPE_VERSION } from './recipe-version.ts';
import { writeTarFolder } from './tar-entry.ts';
import type { GeneratedFile, SourceFile, SourceListing } from './types.ts';

export interface ContextArchive {
  /** Tar, compressed by zstd. Must be read to its end. Errors of the store destroy it. */
  body: Readable;
  /** Settles after the last byte. */
  done: Promise<{ buildKey: string; bytes: number }>;
}

/**
 * Streams the user's files and ours, ordered by path. The build key is the SHA-256 of every entry's path, mode, size
 * and content. It covers the base images, since the Dockerfile names them. `files` are those of the listing that go
 * into the image.
 */
export function contextArchive(
  store: Pick<ObjectStore, 'open'>,
  listing: SourceListing,
  files: readonly SourceFile[],
  ours: readonly GeneratedFile[],
): ContextArchive {
  const hash = createHash('sha256').update(JSON.stringify(['build-key', RECIPE_VERSION]));
  const { body, done } = compressedTar('zstd', async (tar) => {
    // Kaniko gives the image's folder the mode of the context's folder. Without this entry that is 0700, and only root
    // could start the image.
    writeTarFolder(tar, './');
    await writeEntries(tar, entriesOf(store, listing, files, ours), { hash });
  });
  const keyed = done.then(({ bytes }) => ({ buildKey: hash.digest('hex'), bytes }));
  keyed.catch(() => undefined);
  return { body, done: keyed };
}
