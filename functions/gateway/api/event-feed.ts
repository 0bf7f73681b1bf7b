/** The feed of what passes: polled once for all streams of a pod, and read from the past for who comes again. */
import { setTimeout as wait } from 'node:timers/promises';
import type { EventLine } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { feedKeyAt, listFeed, placeInFeed, readBatch } from '#shared/history/feed.ts';
import { createChannel } from './channel.ts';

export interface EventFeed {
  /** What passes from now on, and before that what has passed since `cursor`. At least once: compare source and id. */
  follow(cursor: string | undefined, signal: AbortSignal): AsyncGenerator<EventLine, void>;
  /** The last ones, oldest first. */
  recent(limit: number, isWanted: (line: EventLine) => boolean): Promise<EventLine[]>;
}

const INTERVAL = 200;
/** After some quiet time less often: a list of S3 costs money. */
const QUIET_INTERVAL = SECOND;
const QUIET_AFTER = MINUTE;
/** A batch may be stored later than its name says: by a slow upload, or a clock that is behind. */
const OVERLAP = 5 * SECOND;
const REMEMBERED = MINUTE;
const RECENT = 15 * MINUTE;
const READ_AT_ONCE = 16;

export function createEventFeed(
  store: Pick<ObjectStore, 'list' | 'read'>,
  bucket: string,
  now: () => number = Date.now,
): EventFeed {
  const readers = new Set<(lines: EventLine[]) => void>();
  let isPolling = false;

  return {
    async *follow(cursor, signal) {
      const channel = createChannel<EventLine>(signal);
      const reader = (lines: EventLine[]) => lines.forEach(channel.put);
      readers.add(reader);
      void poll();
      try {
        const seen = new Set<string>();
        for await (const line of cursor === undefined ? [] : since(cursor)) {
          seen.add(line.cursor);
          yield line;
        }
        for await (const line of channel) {
          if (!seen.has(line.cursor)) {
            yield line;
          }
        }
      } finally {
        readers.delete(reader);
      }
    },

    async recent(limit, isWanted) {
      const found: EventLine[] = [];
      for await (const line of from(feedKeyAt(now() - RECENT))) {
        if (isWanted(line)) {
          found.push(line);
        }
      }
      return found.slice(-limit);
    },
  };

  async function* since(cursor: string): AsyncGenerator<EventLine, void> {
    const place = placeInFeed(cursor);
    if (!place) {
      return;
    }
    for await (const line of from(feedKeyAt(place.time - OVERLAP))) {
      const own = placeInFeed(line.cursor);
      // Of the overlap, what was sent is what stands before the cursor in its own batch.
      if (own && (own.key !== place.key || own.index > place.index)) {
        yield line;
      }
    }
  }

  async function* from(first: string): AsyncGenerator<EventLine, void> {
    for (let keys = await listFeed(store, bucket, first); keys.length > 0; ) {
      for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
        const batches = keys.slice(at, at + READ_AT_ONCE).map((key) => readBatch(store, bucket, key));
        yield* (await Promise.all(batches)).flat();
      }
      keys = await listFeed(store, bucket, keys.at(-1) ?? '');
    }
  }

  /** Runs while somebody reads. What was there before they came is not theirs. */
  async function poll(): Promise<void> {
    if (isPolling) {
      return;
    }
    isPolling = true;
    const seen = new Map<string, number>();
    let lastNews = now();
    let isFirst = true;
    try {
      while (readers.size > 0) {
        const keys = await listFeed(store, bucket, feedKeyAt(now() - OVERLAP)).catch(() => []);
        const fresh = keys.filter((key) => !seen.has(key));
        const batches = isFirst
          ? []
          : await Promise.all(fresh.map((key) => readBatch(store, bucket, key).catch(() => [])));
        isFirst = false;
        fresh.forEach((key) => {
          seen.set(key, now());
        });
        const lines = batches.flat();
        if (lines.length > 0) {
          lastNews = now();
          readers.forEach((read) => {
            read(lines);
          });
        }
        forget(seen);
        await wait(now() - lastNews > QUIET_AFTER ? QUIET_INTERVAL : INTERVAL);
      }
    } finally {
      isPolling = false;
    }
  }

  function forget(seen: Map<string, number>): void {
    for (const [key, at] of seen) {
      if (now() - at < REMEMBERED) {
        return;
      }
      seen.delete(key);
    }
  }
}
