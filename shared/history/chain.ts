/**
 * The events of one chain: `history/{third_party_id}/{parser_id}/{hash of the correlation id}/{hash of source and
 * id}.json`. The name holds no time, since a redelivery may have another: so an event is kept once.
 */
import pLimit from 'p-limit';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { deriveId } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';
import { chainPrefix } from '#shared/specs/s3-keys.ts';
import { parseRecorded, type RecordedEvent } from './recorded-event.ts';

const READING_AT_ONCE = 16;
/** Events of one chain that are read. A chain has a dozen, unless a client uses one correlation id for everything. */
const MOST_READ = 500;

export function eventKey(identity: Identity, { source, id, correlation_id = '' }: RecordedEvent): string {
  return `${chainPrefix(identity, correlation_id)}${deriveId(source, id)}.json`;
}

/** The event as it was kept first; `isNew` where that was now. */
export async function keepEvent(
  store: Pick<ObjectStore, 'create' | 'read'>,
  bucket: string,
  identity: Identity,
  event: RecordedEvent,
): Promise<{ event: RecordedEvent; isNew: boolean }> {
  const key = eventKey(identity, event);
  if (await store.create(bucket, key, JSON.stringify(event), 'application/json')) {
    return { event, isNew: true };
  }
  return { event: parseRecorded((await store.read(bucket, key)).text) ?? event, isNew: false };
}

/** In the order of their times; a cause before what it causes. */
export async function readChain(
  store: Pick<ObjectStore, 'list' | 'read'>,
  bucket: string,
  identity: Identity,
  correlationId: string,
): Promise<RecordedEvent[]> {
  const keys: string[] = [];
  for await (const { objects } of store.list(bucket, chainPrefix(identity, correlationId))) {
    keys.push(...objects.map(({ key }) => key));
    if (keys.length >= MOST_READ) {
      break;
    }
  }
  const limit = pLimit(READING_AT_ONCE);
  const read = (key: string) => limit(async () => parseRecorded((await store.read(bucket, key)).text));
  const events = (await Promise.all(keys.slice(0, MOST_READ).map(read))).filter((event) => event !== undefined);
  return inOrder(events);
}

/** Clocks differ by milliseconds: what an event caused never comes before it. */
export function inOrder(events: RecordedEvent[]): RecordedEvent[] {
  const byTime = events.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const ids = new Set(events.map(({ id }) => id));
  const done = new Set<string>();
  const order: RecordedEvent[] = [];
  while (byTime.length > 0) {
    const next = byTime.findIndex(({ causation_id: cause }) => !cause || !ids.has(cause) || done.has(cause));
    const [event] = byTime.splice(Math.max(0, next), 1);
    if (event) {
      done.add(event.id);
      order.push(event);
    }
  }
  return order;
}
