/** The live stream of events, through reconnections: the gateway may go to sleep, and a proxy may end what is long. */
import type { EventLine } from '#shared/api/schemas.ts';
import type { Identity } from '#shared/events/identity.ts';
import { type Api, pause } from './client.ts';
import type { Outage } from './outage.ts';
import type { SentEvent } from './streams.ts';

export interface EventsWanted extends Partial<Identity> {
  type?: string;
}

const REMEMBERED = 2000;
const AGAIN_MS = [200, 1000, 3000];

/** How often it is tried, one after the other: about a minute. */
const MOST_FAILURES = 20;

const UNTOLD: Outage = { failed: () => {}, works: () => {} };

/**
 * Resolves when the stream is open: what happens from then on is in it, once. Ends with the signal. Throws Failure
 * where it cannot be opened the first time, or for about a minute.
 */
export async function openEvents(
  api: Api,
  wanted: EventsWanted,
  signal: AbortSignal,
  outage = UNTOLD,
): Promise<AsyncGenerator<EventLine>> {
  const open = (lastEventId?: string) =>
    api.events('/api/v1/events', {
      query: { ...wanted },
      signal,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    });
  return follow(await open(), open, { signal, outage });
}

async function* follow(
  first: AsyncIterable<SentEvent>,
  open: (lastEventId?: string) => Promise<AsyncIterable<SentEvent>>,
  { signal, outage }: { signal: AbortSignal; outage: Outage },
): AsyncGenerator<EventLine> {
  let stream: AsyncIterable<SentEvent> | undefined = first;
  let cursor: string | undefined;
  const seen = new Set<string>();
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      stream ??= await open(cursor);
      outage.works();
      for await (const { id, data } of stream) {
        failures = 0;
        cursor = id ?? cursor;
        const line = eventLine(data);
        const key = `${line?.source} ${line?.id}`;
        if (line !== undefined && !seen.has(key)) {
          remember(seen, key);
          yield line;
        }
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (failures > MOST_FAILURES) {
        throw error;
      }
      outage.failed(error);
    }
    stream = undefined;
    await pause(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] ?? 0, signal).catch(() => {});
  }
}

/** An event is delivered at least once: the same source and id are the same event. */
function remember(seen: Set<string>, key: string): void {
  seen.add(key);
  if (seen.size > REMEMBERED) {
    seen.delete(seen.values().next().value ?? '');
  }
}

/** Undefined for what is no event, such as a mark that only moves the cursor on. */
function eventLine(data: string): EventLine | undefined {
  try {
    const line = JSON.parse(data) as EventLine;
    return typeof line?.type === 'string' ? line : undefined;
  } catch {
    return undefined;
  }
}
