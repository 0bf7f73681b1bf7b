/** The build context as a deterministic gzipped tar: the same files always give the same bytes. */
import { createHash, type Hash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { prefetch } from './prefetch.ts';
import { RECIPE_VERSION } from './recipe-version.ts';
import { openListed } from './source-reader.ts';
import { type Content, writeTarEntry, writeTarRoot } from './tar-entry.ts';
import type { GeneratedFile, SourceFile, SourceListing } from './types.ts';

/**
 * Objects up to SMALL bytes are prefetched whole, AHEAD of them at a time: otherwise a source of small files would take
 * a round trip to S3 for each file. Larger objects are opened when it is their turn. So memory is bounded by AHEAD ×
 * SMALL for any source.
 */
const AHEAD = 16;
const SMALL = 1024 * 1024;

/**
 * Deflate runs in another thread, and each chunk that is passed to it has a cost. A tar of small files consists of
 * small chunks (header, data, padding), which took as long to pass on as to compress.
 */
const CHUNK_BYTES = 512 * 1024;

export interface ContextArchive {
  /** Gzipped tar. Must be read to its end. Errors of the store destroy it. */
  body: Readable;
  /** Settles after the last byte. */
  done: Promise<{ buildKey: string; bytes: number }>;
}

interface Entry {
  path: string;
  size: number;
  open: () => Promise<Content>;
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
  const entries: Entry[] = [
    ...files.map((file) => ({ path: file.path, size: file.size, open: () => openContent(store, listing, file) })),
    ...ours.map(({ path, content }) => ({ path, size: content.length, open: async () => [content] })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));

  const hash = createHash('sha256').update(JSON.stringify(['build-key', RECIPE_VERSION]));
  const tar = pack({ highWaterMark: CHUNK_BYTES });
  const gzip = createGzip({ level: 1, chunkSize: CHUNK_BYTES });
  let bytes = 0;
  const body = new Transform({
    highWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _, forward) {
      bytes += chunk.length;
      forward(null, chunk);
    },
  });
  // The error of the part that fails first destroys the next part, and so on, until it reaches the reader of the body.
  // A reader that stops destroys the parts in the opposite order.
  const written = writeEntries(tar, entries, hash).catch((error: Error) => {
    tar.destroy(error);
    throw error;
  });
  const compressed = compress(tar as unknown as AsyncIterable<Buffer>, gzip).catch((error: Error) => {
    gzip.destroy(error);
    throw error;
  });
  const done = Promise.all([written, compressed, pipeline(gzip, body)]).then(() => ({
    buildKey: hash.digest('hex'),
    bytes,
  }));
  // The failure is reported by the body as well. A caller may have left before it awaits this promise.
  done.catch(() => undefined);
  return { body, done };
}

/**
 * Copies all chunks through one block. Buffers allocated for each chunk wait for garbage collection, which would triple
 * the memory.
 */
async function compress(tar: AsyncIterable<Buffer>, gzip: Gzip): Promise<void> {
  const block = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  for await (const chunk of tar) {
    for (let taken = 0; taken < chunk.length; ) {
      const copied = chunk.copy(block, filled, taken);
      taken += copied;
      filled += copied;
      if (filled === block.length) {
        // Deflate reads the block in its own thread, so the block must not be filled again before this.
        await deflated(gzip, block);
        filled = 0;
      }
    }
  }
  await deflated(gzip, block.subarray(0, filled));
  gzip.end();
}

async function deflated(gzip: Gzip, block: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    gzip.write(block, (error) => (error ? reject(error) : resolve()));
  });
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

async function writeEntries(tar: Pack, entries: readonly Entry[], hash: Hash): Promise<void> {
  const small = entries.filter(({ size }) => size <= SMALL);
  writeTarRoot(tar);
  const ahead = prefetch(small, AHEAD, (entry) => entry.open());
  try {
    for (const entry of entries) {
      const content = entry.size <= SMALL ? (await ahead.next()).value : await entry.open();
      await writeTarEntry(tar, entry, content as Content, hash);
    }
  } finally {
    await ahead.return(undefined);
  }
  tar.finalize();
}
