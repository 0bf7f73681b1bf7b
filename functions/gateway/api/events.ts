/** Events as they pass, live or the last ones. */
import * as z from 'zod';
import { type EventLine, eventLineSchema } from '#shared/api/schemas.ts';
import { operation } from './operation.ts';
import { maySee } from './serve.ts';
import { streamOf, wantsEvents } from './streams.ts';

const LAST = 200;

export const listEvents = operation({
  method: 'GET',
  path: '/events',
  says: 'Events of our own as they pass (text/event-stream, goes on after Last-Event-ID), or else the last 200.',
  query: z.object({
    third_party_id: z.string().optional(),
    parser_id: z.string().optional(),
    type: z.string().optional(),
    correlation_id: z.string().optional(),
    /** 1: lines are streamed as well. */
    follow: z.enum(['0', '1', 'true', 'false']).optional(),
  }),
  answers: { lines: eventLineSchema },
  handle: async ({ principal, query, request, context }, { eventFeed }) => {
    const { follow, ...wanted } = query;
    const isWanted = (line: EventLine) =>
      maySee(principal, line.third_party_id) &&
      (['third_party_id', 'parser_id', 'type', 'correlation_id'] as const).every(
        (name) => wanted[name] === undefined || line[name] === wanted[name],
      );
    const cursor = request.headers['last-event-id'];
    const isLive = wantsEvents(request) || follow === '1' || follow === 'true';
    const lines = isLive
      ? only(eventFeed.follow(typeof cursor === 'string' ? cursor : undefined, context.signal), isWanted)
      : each(await eventFeed.recent(LAST, isWanted));
    return streamOf(request, lines, (line) => line.cursor);
  },
});

async function* only<Item>(items: AsyncIterable<Item>, isWanted: (item: Item) => boolean): AsyncGenerator<Item, void> {
  for await (const item of items) {
    if (isWanted(item)) {
      yield item;
    }
  }
}

async function* each<Item>(items: Item[]): AsyncGenerator<Item, void> {
  yield* items;
}
