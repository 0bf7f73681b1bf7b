/** The build context as one deterministic gzipped tar: the same files give the same bytes, whenever and wherever it is made. */
import { createHash, type Hash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { prefetch } from './prefetch.ts';
import { RECIPE_VERSION } from './recipe-version.ts';
import { openListed } from './source-reader.ts';
import { type Content, writeTarEntry } from './tar-entry.ts';
import type { GeneratedFile, SourceFile, SourceListing } from './types.ts';

/**
 * Objects up to SMALL are read whole, AHEAD of them at a time, before their turn: a source of small files would otherwise take a round trip to S3 for each.
 * Larger ones are opened when it is their turn. So memory is bounded by AHEAD × SMALL, whatever the source.
 */
const AHEAD = 16;
const SMALL = 1024 * 1024;

/**
 * Deflate works in another thread, at a cost for each piece that is handed over: a tar of small files comes in pieces of a header, some data and a
 * padding, which took as long to hand over as to compress.
 */
const CHUNK_BYTES = 512 * 1024;

export interface ContextArchive {
  /** Gzipped tar; to be read to its end. Errors of the store destroy it. */
  body: Readable;
  /** Settles after the last byte: what names the archive, and its size. */
  done: Promise<{ buildKey: string; bytes: number }>;
}

interface Entry {
  path: string;
  size: number;
  open: () => Promise<Content>;
}

/**
 * Streams the user's files and ours, by path. The build key is the SHA-256 over every entry's path, mode, size and content; base images are in it by the
 * Dockerfile. `files` are those of the listing that go into the image.
 */
export function contextArchive(
  store: ObjectStore,
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
  // Whichever part fails first, its error destroys the next, and so reaches whoever reads the body; a reader that goes away is seen backwards, part by part.
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
  // Whoever reads the body sees the failure there as well, and may be gone before asking here.
  done.catch(() => undefined);
  return { body, done };
}

/** One block for all: what is allocated for each chunk lies about until it is collected, and memory would be three times as high. */
async function compress(tar: AsyncIterable<Buffer>, gzip: Gzip): Promise<void> {
  const block = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  for await (const chunk of tar) {
    for (let taken = 0; taken < chunk.length; ) {
      const copied = chunk.copy(block, filled, taken);
      taken += copied;
      filled += copied;
      if (filled === block.length) {
        // Not before this may the block be filled again: deflate reads it in its own thread.
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

async function openContent(store: ObjectStore, listing: SourceListing, file: SourceFile): Promise<Content> {
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
  // Kaniko gives the image's folder the mode of the context's, which without an entry is 0700: only root could start what is built.
  tar.entry({ name: './', type: 'directory', mode: 0o755, mtime: new Date(0), uid: 0, gid: 0 });
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
