/** Bounds the work of one step in one run. */

import { MINUTE } from '#shared/durations.ts';
import type { Report } from './report.ts';

/** Events sent, objects deleted … by one step. The rest is left to the next run. */
export const LIMIT = 200;

export function nameOf({ metadata }: { metadata?: { name?: string } }): string {
  return metadata?.name ?? '';
}

/** After so many failures in one step the cause is not the objects but an upstream that is down. */
const FAILURES = 3;

/**
 * At most `limit` items, and others in the next minute: items that fail in every run must not block the rest for ever.
 */
export function takeBatch<Item>(items: Item[], now: Date, limit = LIMIT): Item[] {
  const start = items.length <= limit ? 0 : (Math.floor(now.getTime() / MINUTE) * limit) % items.length;
  return [...items.slice(start), ...items.slice(0, start)].slice(0, limit);
}

/** Reports an item that fails, and goes on with the next. The third failure is thrown. */
export async function forEachInBatch<Item>(
  items: Item[],
  { report, nameOf }: { report: Report; nameOf: (item: Item) => string },
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let failures = 0;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      failures += 1;
      if (failures === FAILURES) {
        throw error;
      }
      report.failed(error, nameOf(item));
    }
  }
}
