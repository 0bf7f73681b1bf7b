/** Reads the letters that are meant, several at a time. */
import pLimit from 'p-limit';
import type { LetterSelector } from '#shared/events/dead-letter.ts';
import type { DeadLetter } from './letter.ts';
import type { LetterBox } from './letter-box.ts';
import type { LetterPlace } from './place.ts';
import { isChosen, mayBeChosen } from './select.ts';

/** A letter may hold some MiB, several times over while it is read. */
const AT_ONCE = 8;

export interface FoundLetter {
  place: LetterPlace;
  letter: DeadLetter;
}

/** Oldest day first. Only a few are in memory at a time. */
export async function* findLetters(
  box: LetterBox,
  selector: LetterSelector,
  now: Date,
): AsyncGenerator<FoundLetter, void> {
  const limit = pLimit(AT_ONCE);
  const reading: Promise<FoundLetter | undefined>[] = [];
  const read = async (place: LetterPlace) => {
    const letter = await box.read(place);
    return letter && isChosen(letter, selector, now) ? { place, letter } : undefined;
  };
  async function* next(down: number): AsyncGenerator<FoundLetter, void> {
    while (reading.length > down) {
      const found = await reading.shift();
      if (found) {
        yield found;
      }
    }
  }
  for await (const place of box.places()) {
    if (mayBeChosen(place, selector)) {
      const found = limit(() => read(place));
      // Whoever stops looking, or fails at an earlier one, leaves these to nobody.
      found.catch(() => {});
      reading.push(found);
      yield* next(AT_ONCE - 1);
    }
  }
  yield* next(0);
}
