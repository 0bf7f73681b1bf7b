/** Compresses a tar while it is written, with bounded memory. The same tar gives the same bytes. */
import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

/**
 * Deflate runs in another thread, and each chunk that is passed to it has a cost. A tar of small files consists of
 * small chunks (header, data, padding), which took as long to pass on as to compress.
 */
const CHUNK_BYTES = 512 * 1024;

/** The byte of the gzip header that names the operating system: Unix, wherever this runs. RFC 1952, 2.3.1. */
const OS_BYTE = { at: 9, unix: 3 };

export interface GzippedTar {
  /** Must be read to its end. What `write` or `ended` throws destroys it. */
  body: Readable;
  /** Settles after the last byte. */
  done: Promise<{ bytes: number }>;
}

/**
 * `write` writes the entries. `ended` gets the SHA-256 of the uncompressed tar, in hexadecimal, before the body ends;
 * it is hashed only for this.
 */
export function gzippedTar(write: (tar: Pack) => Promise<void>, ended?: (sha256: string) => void): GzippedTar {
  const tar = pack({ highWaterMark: CHUNK_BYTES });
  const gzip = createGzip({ level: 1, chunkSize: CHUNK_BYTES });
  let bytes = 0;
  const body = new Transform({
    highWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _, forward) {
      if (bytes <= OS_BYTE.at && bytes + chunk.length > OS_BYTE.at) {
        chunk[OS_BYTE.at - bytes] = OS_BYTE.unix;
      }
      bytes += chunk.length;
      forward(null, chunk);
    },
  });
  // The error of the part that fails first destroys the next part, and so on, until it reaches the reader of the body.
  // A reader that stops destroys the parts in the opposite order.
  const written = write(tar).then(
    () => tar.finalize(),
    (error: Error) => {
      tar.destroy(error);
      throw error;
    },
  );
  const compressed = compress(tar as unknown as AsyncIterable<Buffer>, gzip, ended).catch((error: Error) => {
    gzip.destroy(error);
    throw error;
  });
  const done = Promise.all([written, compressed, pipeline(gzip, body)]).then(() => ({ bytes }));
  // The failure is reported by the body as well. A caller may have left before it awaits this promise.
  done.catch(() => undefined);
  return { body, done };
}

/**
 * Copies all chunks through one block. Buffers allocated for each chunk wait for garbage collection, which would triple
 * the memory.
 */
async function compress(
  tar: AsyncIterable<Buffer>,
  gzip: Gzip,
  ended: ((sha256: string) => void) | undefined,
): Promise<void> {
  const hash = ended && createHash('sha256');
  const block = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  const flush = async () => {
    const part = block.subarray(0, filled);
    // Deflate reads the block in its own thread, so the block must not be filled again before this.
    const deflated = deflate(gzip, part);
    hash?.update(part);
    await deflated;
    filled = 0;
  };
  for await (const chunk of tar) {
    for (let taken = 0; taken < chunk.length; ) {
      const copied = chunk.copy(block, filled, taken);
      taken += copied;
      filled += copied;
      if (filled === block.length) {
        await flush();
      }
    }
  }
  await flush();
  if (hash) {
    ended(hash.digest('hex'));
  }
  gzip.end();
}

async function deflate(gzip: Gzip, block: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    gzip.write(block, (error) => (error ? reject(error) : resolve()));
  });
}
