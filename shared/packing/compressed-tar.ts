/** Compresses a tar while it is written, with bounded memory. The same tar gives the same bytes. */
import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

/**
 * Compression runs in another thread, and each chunk that is passed to it has a cost. A tar of small files consists of
 * small chunks (header, data, padding), which took as long to pass on as to deflate.
 */
const CHUNK_BYTES = 512 * 1024;

/** The byte of the gzip header that names the operating system: Unix, wherever this runs. RFC 1952, 2.3.1. */
const OS_BYTE = { at: 9, unix: 3 };

const COMPRESSORS = {
  /** What every registry, Kaniko and container runtime reads. */
  gzip: () => createGzip({ level: 1, chunkSize: CHUNK_BYTES }),
  /**
   * A third of the CPU time of gzip's level 1, and smaller. Levels -1 to -7 are no faster per second of CPU on source
   * code, and leave half as much again. The checksum finds what was spoilt on its way.
   */
  zstd: () =>
    createZstdCompress({
      chunkSize: CHUNK_BYTES,
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
};

export interface CompressedTar {
  /** Must be read to its end. What `write` or `ended` throws destroys it. */
  body: Readable;
  /** Settles after the last byte. */
  done: Promise<{ bytes: number }>;
}

/**
 * `write` writes the entries. `ended` gets the SHA-256 of the uncompressed tar, in hexadecimal, before the body ends;
 * it is hashed only for this.
 */
export function compressedTar(
  as: keyof typeof COMPRESSORS,
  write: (tar: Pack) => Promise<void>,
  ended?: (sha256: string) => void,
): CompressedTar {
  const tar = pack({ highWaterMark: CHUNK_BYTES });
  const compressor = COMPRESSORS[as]();
  let bytes = 0;
  const body = new Transform({
    highWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _, forward) {
      if (as === 'gzip' && bytes <= OS_BYTE.at && bytes + chunk.length > OS_BYTE.at) {
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
  const compressed = compress(tar as unknown as AsyncIterable<Buffer>, compressor, ended).catch((error: Error) => {
    compressor.destroy(error);
    throw error;
  });
  const done = Promise.all([written, compressed, pipeline(compressor, body)]).then(() => ({ bytes }));
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
  compressor: Gzip | ZstdCompress,
  ended: ((sha256: string) => void) | undefined,
): Promise<void> {
  const hash = ended && createHash('sha256');
  const block = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  const flush = async () => {
    const part = block.subarray(0, filled);
    // The compressor reads the block in its own thread, so the block must not be filled again before this.
    const compressed = pass(compressor, part);
    hash?.update(part);
    await compressed;
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
  compressor.end();
}

async function pass(compressor: Gzip | ZstdCompress, block: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    compressor.write(block, (error) => (error ? reject(error) : resolve()));
  });
}
