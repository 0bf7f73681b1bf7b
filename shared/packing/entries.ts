/** The files of a tar: the user's from S3, read ahead a little, and ours. */
import type { Hash } from 'node:crypto';
import type { Pack } from 'tar-stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { prefetch } from './prefetch.ts';
import { openListed } from './source-reader.ts';
import { type Content, writeTarEntry } from './tar-entry.ts';
import type { GeneratedFile, SourceFile, SourceListing } from './types.ts';

/**
 * Objects up to SMALL bytes are prefetched whole, AHEAD of them at a time: otherwise a source of small files would take
 * a round trip to S3 for each file. Larger objects are opened when it is their turn. So memory is bounded by AHEAD ×
 * SMALL for any source.
 */
const AHEAD = 16;
const SMALL = 1024 * 1024;

export interface Entry {
  path: string;
  size: number;
  open: () => Promise<Content>;
}

/** The user's files and ours, ordered by path. */
export function entriesOf(
  store: Pick<ObjectStore, 'open'>,
  listing: SourceListing,
  files: readonly SourceFile[],
  ours: readonly GeneratedFile[],
): Entry[] {
  return [
    ...files.map((file) => ({ path: file.path, size: file.size, open: () => openContent(store, listing, file) })),
    ...ours.map(({ path, content }) => ({ path, size: content.length, open: async () => [content] })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Writes the entries, and hashes path, mode, size and content of each. `before` writes what goes before an entry. */
export async function writeEntries(
  tar: Pack,
  entries: readonly Entry[],
  { hash, before }: { hash?: Hash; before?: (entry: Entry) => void },
): Promise<void> {
  const small = entries.filter(({ size }) => size <= SMALL);
  const ahead = prefetch(small, AHEAD, (entry) => entry.open());
  try {
    for (const entry of entries) {
      const content = entry.size <= SMALL ? (await ahead.next()).value : await entry.open();
      before?.(entry);
      await writeTarEntry(tar, entry, content as Content, hash);
    }
  } finally {
    await ahead.return(undefined);
  }
}

async function openContent(
  store: Pick<ObjectStore, 'open'>,
  listing: SourceListing,
  file: SourceFile,
): Promise<Content> {
  const { body } = await openListed(store, listing, file);
  if (file.size > SMALL) {
    return body;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
  }
  return chunks;
}
