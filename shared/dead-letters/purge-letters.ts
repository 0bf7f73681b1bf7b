/** Deletes letters, with what is noted of their replays. */
import type { DeadLetterPurge, DeadLetterPurged } from '#shared/events/dead-letter.ts';
import { findLetters } from './find-letters.ts';
import type { LetterBox } from './letter-box.ts';
import type { LetterPlace } from './place.ts';

/** Nobody gets them back. Delivered twice the same order finds less the second time, and does no harm. */
export async function purgeLetters(
  { max, dry_run, ...selector }: DeadLetterPurge,
  { box, now }: { box: LetterBox; now: () => Date },
): Promise<DeadLetterPurged> {
  const places: LetterPlace[] = [];
  let remaining = 0;
  for await (const { place } of findLetters(box, selector, now())) {
    if (places.length < max) {
      places.push(place);
    } else {
      remaining += 1;
    }
  }
  if (!dry_run) {
    await box.remove(places);
  }
  return { purged: dry_run ? 0 : places.length, remaining, dry_run, ids: places.map(({ id }) => id) };
}
