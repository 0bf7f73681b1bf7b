/** Finds and reads the selected letters, several at a time. */
import pLimit from 'p-limit';
import type { LetterSelector } from '#shared/events/dead-letter.ts';
import type { DeadLetter } from './letter.ts';
import type { LetterBox } from './letter-box.ts';
import type { LetterPlace } from './place.ts';
import { isChosen, mayBeChosen } from './select.ts';

/** A letter may have several MiB, and takes a multiple of that in memory while it is read. */
const AT_ONCE = 8;

export interface FoundLetter {
  place: LetterPlace;
  letter: DeadLetter;
}

/** Oldest day first. Only a few letters are in memory at a time. */
export async function* findLetters(
  box: Pick<LetterBox, 'places' | 'read'>,
  selector: LetterSelector,
  now: Date,
): AsyncGenerator<FoundLetter, void> {
  const limit = pLimit(AT_ONCE);
  const reading: Promise<FoundLetter | undefined>[] = [];
  const read = async (place: LetterPlace) => {
    const letter = await box.read(place);
    return letter && isChosen(letter, selector, now) ? { place, letter } : undefined;
  };
  async function* yieldDownTo(remaining: number): AsyncGenerator<FoundLetter, void> {
    while (reading.length > remaining) {
      const found = await reading.shift();
      if (found) {
        yield found;
      }
    }
  }
  for await (const place of box.places()) {
    if (mayBeChosen(place, selector)) {
      const found = limit(() => read(place));
      // If the caller stops, or an earlier read fails, nothing awaits this one. Its rejection must not end the process.
      found.catch(() => {});
      reading.push(found);
      yield* yieldDownTo(AT_ONCE - 1);
    }
  }
  yield* yieldDownTo(0);
}
