/** A bounded share of a run's work, one object after the other. */
import type { Report } from './report.ts';

/** Events sent, objects deleted … by one step of one run. The rest is the next minute's. */
export const LIMIT = 200;

export function nameOf({ metadata }: { metadata?: { name?: string } }): string {
  return metadata?.name ?? '';
}

const MINUTE = 60_000;

/** So many failures in one step are not the objects' own: what they all need is down. */
const FAILURES = 3;

/** At most `limit` of them, in another minute others: what can't be mended must not hold up the rest for ever. */
export function takeBatch<Item>(items: Item[], now: Date, limit = LIMIT): Item[] {
  const start = items.length <= limit ? 0 : (Math.floor(now.getTime() / MINUTE) * limit) % items.length;
  return [...items.slice(start), ...items.slice(0, start)].slice(0, limit);
}

/** One that fails is reported, and the others go on. */
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
