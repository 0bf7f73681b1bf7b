/** Deletes letters and their marks. */
import type { DeadLetterPurge, DeadLetterPurged } from '#shared/events/dead-letter.ts';
import { findLetters } from './find-letters.ts';
import type { LetterBox } from './letter-box.ts';
import type { LetterPlace } from './place.ts';

/** Deletes them for good. The same order, delivered twice, finds fewer letters the second time. */
export async function purgeLetters(
  { max, dry_run, ...selector }: DeadLetterPurge,
  { box, now }: { box: Pick<LetterBox, 'places' | 'read' | 'remove'>; now: () => Date },
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
