/** Saves the context archive in the one form that Kaniko's `tar://` reads, which is gzip. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdDecompress } from 'node:zlib';
import { isZstdContext } from '#shared/specs/s3-keys.ts';

const CHUNK_BYTES = 512 * 1024;

/**
 * The archive in S3 is zstd, or gzip where a version before that has packed it. It is stored in the gzip without being
 * compressed again: it goes no further than the other container.
 */
export async function saveContext(body: NodeJS.ReadableStream, key: string, file: string): Promise<void> {
  const target = createWriteStream(file);
  await (isZstdContext(key)
    ? pipeline(
        body,
        createZstdDecompress({ chunkSize: CHUNK_BYTES }),
        createGzip({ level: 0, chunkSize: CHUNK_BYTES }),
        target,
      )
    : pipeline(body, target));
}
