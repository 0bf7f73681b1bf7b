/** Streams as the client wants them: server-sent events, or a JSON document a line. */

import { SECOND } from '#shared/durations.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import type { Streamed } from '#shared/runtime/routes.ts';

/** A comment from time to time: so that proxies keep the connection, and a client sees that it lives. */
const HEARTBEAT = 15 * SECOND;

export function wantsEvents({ headers }: Pick<FunctionRequest, 'headers'>): boolean {
  return /\btext\/event-stream\b/.test(headers.accept ?? '');
}

/** `idOf`: what Last-Event-ID is when the client comes again. */
export function streamOf<Item>(
  request: Pick<FunctionRequest, 'headers'>,
  items: AsyncIterable<Item>,
  idOf: (item: Item) => string | undefined = () => undefined,
): Streamed {
  const isEvents = wantsEvents(request);
  return {
    statusCode: 200,
    headers: {
      'content-type': isEvents ? 'text/event-stream' : 'application/x-ndjson',
      vary: 'accept, authorization',
      'x-content-type-options': 'nosniff',
    },
    stream: isEvents ? withHeartbeat(items, (item) => eventText(item, idOf(item))) : lines(items),
  };
}

async function* lines(items: AsyncIterable<unknown>): AsyncGenerator<string, void> {
  for await (const item of items) {
    yield `${JSON.stringify(item)}\n`;
  }
}

function eventText(item: unknown, id: string | undefined): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(item)}\n\n`;
}

async function* withHeartbeat<Item>(
  items: AsyncIterable<Item>,
  text: (item: Item) => string,
): AsyncGenerator<string, void> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    // Tells a browser how soon to come again, and opens the stream although nothing has happened yet.
    yield 'retry: 1000\n\n';
    let next = iterator.next();
    for (;;) {
      const beat = Promise.withResolvers<'beat'>();
      const timer = setTimeout(beat.resolve, HEARTBEAT, 'beat');
      const first = await Promise.race([next, beat.promise]).finally(() => clearTimeout(timer));
      if (first === 'beat') {
        yield ': \n\n';
      } else if (first.done) {
        return;
      } else {
        yield text(first.value);
        next = iterator.next();
      }
    }
  } finally {
    await iterator.return?.();
  }
}
