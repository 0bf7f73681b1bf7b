/** How old the oldest open dead letter is: the age of the first that nobody has looked after. */
import { createLetterBox } from '#shared/dead-letters/letter-box.ts';
import { isOpen } from '#shared/dead-letters/place.ts';
import type { Run } from './dependencies.ts';

/** Replayed letters that nobody has purged are in between. Where there are more, the oldest is not known. */
const MOST_SEEN = 10_000;

export async function measureLetters({
  store,
  temporaryBucket,
  metrics,
  now,
}: Pick<Run, 'store' | 'temporaryBucket' | 'metrics' | 'now'>): Promise<void> {
  const box = createLetterBox(store, temporaryBucket);
  let seen = 0;
  for await (const place of box.places()) {
    seen += 1;
    if (isOpen(place)) {
      // The letters of one day are in no order: this one is as old as any, but for hours.
      const letter = await box.read(place);
      const since = Date.parse(letter?.first_at || place.date);
      metrics.oldestLetter(Math.max(0, now().getTime() - since) / 1000);
      return;
    }
    if (seen === MOST_SEEN) {
      return;
    }
  }
  metrics.oldestLetter(0);
}
