/** Dead letters that have the same cause belong together: one thing mends them all. */
import type { Letter } from '#shared/api/schemas.ts';

export interface Cause {
  key: string;
  reason: string;
  /** Of the events in the letters. */
  type: string;
  category: string;
  letters: Letter[];
  /** Those that nobody has sent again. */
  open: number;
}

/** Causes with the most open letters first. */
export function byCause(letters: readonly Letter[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const letter of letters) {
    const { reason, type, category } = letter;
    const key = `${reason} ${type} ${category}`;
    const cause = causes.get(key) ?? { key, reason, type, category, letters: [], open: 0 };
    cause.letters.push(letter);
    cause.open += letter.state === 'open' ? 1 : 0;
    causes.set(key, cause);
  }
  return [...causes.values()].sort((one, other) => other.open - one.open || one.key.localeCompare(other.key));
}
