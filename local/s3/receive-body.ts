/** The body of a request, plain or in the encoding `aws-chunked`. */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Body, ObjectFiles } from './object-files.ts';
import { s3Error } from './xml.ts';

const LONGEST_LINE = 16 * 1024;

/**
 * Into a new file, which is gone where this throws: where the client hung up, or sent less than it said, or something
 * else than what has this hash (in base64).
 */
export async function storeBody(files: ObjectFiles, content: AsyncIterable<Buffer>, sha256?: string): Promise<Body> {
  const file = randomUUID();
  const hash = createHash('md5');
  const checksum = createHash('sha256');
  let size = 0;
  const counted = async function* () {
    for await (const piece of content) {
      hash.update(piece);
      checksum.update(piece);
      size += piece.length;
      yield piece;
    }
  };
  try {
    await pipeline(counted, createWriteStream(files.path(file), { flags: 'wx' }));
    if (sha256 !== undefined && checksum.digest('base64') !== sha256) {
      throw s3Error(400, 'BadDigest', 'The SHA256 you specified did not match what we received');
    }
  } catch (error) {
    files.discard(file);
    throw error;
  }
  return { file, etag: `"${hash.digest('hex')}"`, size };
}

export function contentOf(request: IncomingMessage): AsyncIterable<Buffer> {
  const isChunked = String(request.headers['x-amz-content-sha256']).startsWith('STREAMING-');
  return isChunked ? decodeChunks(request) : request;
}

/**
 * A chunk comes after a line with its length in hex. After an empty one come a checksum or signature, which nobody
 * verifies.
 */
async function* decodeChunks(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let left: number | undefined;
  for await (const piece of source) {
    rest = left === 0 ? rest : Buffer.concat([rest, piece]);
    while (rest.length > 0 && left !== 0) {
      if (left !== undefined) {
        const data = rest.subarray(0, left);
        rest = rest.subarray(data.length);
        left = left - data.length || undefined;
        yield data;
        continue;
      }
      // The line break before it ends the last chunk.
      const line = /^(?:\r\n)?([0-9a-f]+)(?:;[^\r]*)?\r\n/i.exec(rest.toString('latin1', 0, LONGEST_LINE));
      if (line === null && rest.length < LONGEST_LINE) {
        break;
      }
      left = Number.parseInt(line?.[1] ?? '0', 16);
      rest = rest.subarray(line?.[0].length);
    }
  }
  if (left !== 0) {
    throw s3Error(400, 'IncompleteBody', 'The body ends before its last chunk');
  }
}
