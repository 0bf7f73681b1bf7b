/** Which letters a selector selects. */

import { SECOND } from '#shared/durations.ts';
import type { LetterSelector } from '#shared/events/dead-letter.ts';
import { attributeOf, type DeadLetter } from './letter.ts';
import { isOpen, type LetterPlace } from './place.ts';

const UNITS: Record<string, number> = { s: SECOND, m: 60 * SECOND, h: 3600 * SECOND, d: 24 * 3600 * SECOND };

/** "90s", "30m", "24h", "7d" in milliseconds. */
export function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * (UNITS[duration.slice(-1)] ?? Number.NaN);
}

/** By id and state alone, before the letter is read. */
export function mayBeChosen(place: LetterPlace, { ids, state }: LetterSelector): boolean {
  const isNamed = ids === undefined || ids.includes(place.id);
  return isNamed && (state === undefined || state === (isOpen(place) ? 'open' : 'replayed'));
}

/** True where the letter matches every given criterion. */
export function isChosen(letter: DeadLetter, selector: LetterSelector, now: Date): boolean {
  const { category, type, reason, older_than, newer_than } = selector;
  const age = now.getTime() - Date.parse(letter.last_at);
  return (
    (category === undefined || letter.category === category) &&
    (type === undefined || attributeOf(letter, 'type') === type) &&
    (reason === undefined || letter.reason === reason) &&
    // Without a time the age is NaN: neither older nor newer.
    (older_than === undefined || age > milliseconds(older_than)) &&
    (newer_than === undefined || age < milliseconds(newer_than))
  );
}
