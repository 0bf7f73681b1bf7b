/** Reads a stream by pieces of a size that the reader says. */
import type { Readable } from 'node:stream';

export interface ChunkReader {
  /** So many bytes, fewer only at the end. An error of the stream is thrown as it is. */
  read(size: number): Promise<{ bytes: Buffer; isLast: boolean }>;
  /** Ends the stream, wherever it is. */
  close(): void;
}

export function chunkReader(stream: Readable): ChunkReader {
  // An error before the first reading would otherwise be nobody's. The reading throws it.
  stream.on('error', () => undefined);
  const source = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
  let waiting: Buffer[] = [];
  let size = 0;
  let hasEnded = false;

  return {
    async read(wanted) {
      // One byte more than wanted shows whether this is the end.
      while (size <= wanted && !hasEnded) {
        const { value, done } = await source.next();
        hasEnded = done === true;
        if (!hasEnded) {
          const bytes = typeof value === 'string' ? Buffer.from(value) : (value as Buffer);
          waiting.push(bytes);
          size += bytes.length;
        }
      }
      const all = Buffer.concat(waiting);
      const bytes = all.subarray(0, wanted);
      waiting = all.length > wanted ? [all.subarray(wanted)] : [];
      size = all.length - bytes.length;
      return { bytes, isLast: hasEnded && size === 0 };
    },
    close() {
      stream.destroy();
    },
  };
}
