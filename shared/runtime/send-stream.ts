/** Sends a stream, as fast as it is read and no faster. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SECOND } from '#shared/durations.ts';
import type { Streamed } from './routes.ts';

/** A client that reads nothing for so long is gone, or might as well be. */
const STALLED = 30 * SECOND;

/** Resolves when it has ended, in whatever way. Rejects where the stream fails before its first piece. */
export async function sendStream(
  { statusCode, headers, stream }: Streamed,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const pieces = stream[Symbol.asyncIterator]();
  try {
    response.writeHead(statusCode, { 'x-accel-buffering': 'no', 'cache-control': 'no-store', ...headers });
    response.flushHeaders();
    for (;;) {
      const piece = await next(pieces, signal);
      if (piece === undefined || response.destroyed) {
        return;
      }
      if (!response.write(piece)) {
        await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(STALLED)]) });
      }
    }
  } catch (error) {
    if (!signal.aborted && !isAbort(error)) {
      // It must not look whole.
      response.destroy();
      throw error;
    }
    response.destroy();
  } finally {
    void Promise.resolve(pieces.return?.()).catch(() => {});
    if (!response.destroyed) {
      response.end();
    }
  }
}

/** Undefined where the stream is over, or has to end. */
async function next(pieces: AsyncIterator<string | Buffer>, signal: AbortSignal): Promise<string | Buffer | undefined> {
  if (signal.aborted) {
    return undefined;
  }
  const ended = Promise.withResolvers<undefined>();
  const end = () => ended.resolve(undefined);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([pieces.next().then(({ done, value }) => (done ? undefined : value)), ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}
