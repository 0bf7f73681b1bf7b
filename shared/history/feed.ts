/**
 * What passed, in the order in which it was recorded: `feed/{minute}/{milliseconds}-{random}.json`, each a batch. Live
 * streams poll it, so they outlive every pod.
 */
import { randomBytes } from 'node:crypto';
import type { EventLine } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { MINUTE } from '#shared/durations.ts';
import { readJson } from '#shared/read-json.ts';
import { FEED } from '#shared/specs/s3-keys.ts';
import { asRecorded, eventLine, type RecordedEvent } from './recorded-event.ts';

/** So many, or so long, whichever comes first. */
const BATCH = { events: 200, milliseconds: 150 };
const CURSOR = /^(\d{13}-[0-9a-f]{8})\.(\d{1,4})$/;

/** Adds an event to the next batch. Resolves when the batch is stored. */
export type AddToFeed = (event: RecordedEvent) => Promise<void>;

export function createFeed(store: Pick<ObjectStore, 'write'>, bucket: string, now: () => Date): AddToFeed {
  let waiting: { events: RecordedEvent[]; stored: Promise<void>; flush: () => void } | undefined;

  return async (event) => {
    waiting ??= begin();
    const { events, stored, flush } = waiting;
    events.push(event);
    if (events.length >= BATCH.events) {
      flush();
    }
    await stored;
  };

  function begin() {
    const events: RecordedEvent[] = [];
    const full = Promise.withResolvers<void>();
    const timer = setTimeout(full.resolve, BATCH.milliseconds);
    const stored = full.promise.then(async () => {
      clearTimeout(timer);
      waiting = undefined;
      const name = `${now().getTime()}-${randomBytes(4).toString('hex')}`;
      await store.write(bucket, keyOf(name), JSON.stringify(events), 'application/json');
    });
    return { events, stored, flush: full.resolve };
  }
}

/** The first key that a batch of this time or later can have. */
export function feedKeyAt(time: number): string {
  return keyOf(String(Math.floor(time))).replace(/\.json$/, '');
}

/** Undefined where the cursor is none of ours. */
export function placeInFeed(cursor: string): { key: string; time: number; index: number } | undefined {
  const [, name, index] = CURSOR.exec(cursor) ?? [];
  return name === undefined ? undefined : { key: keyOf(name), time: Number(name.slice(0, 13)), index: Number(index) };
}

/** The keys of batches after `after`, in order, at most one page. */
export async function listFeed(store: Pick<ObjectStore, 'list'>, bucket: string, after: string): Promise<string[]> {
  for await (const { objects } of store.list(bucket, FEED, { after })) {
    return objects.map(({ key }) => key);
  }
  return [];
}

export async function readBatch(store: Pick<ObjectStore, 'read'>, bucket: string, key: string): Promise<EventLine[]> {
  const events: unknown = readJson((await store.read(bucket, key)).text);
  const name = key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '');
  return (Array.isArray(events) ? events : []).flatMap((one, index) => {
    const event = asRecorded(one);
    return event ? [eventLine(event, `${name}.${index}`)] : [];
  });
}

function keyOf(name: string): string {
  const minute = new Date(Math.floor(Number(name.slice(0, 13)) / MINUTE) * MINUTE).toISOString().slice(0, 16);
  return `${FEED}${minute.replace(':', '-')}/${name}.json`;
}
