/** Names for objects that ask for one by generateName. */
import { randomInt } from 'node:crypto';

/** Kubernetes' alphabet: no vowels and nothing that looks like another letter, so no words come out. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX = 5;
const MAX_NAME = 63;

/** The base is cut where the name would not fit a label. */
export function generateName(base: string): string {
  let suffix = '';
  for (let i = 0; i < SUFFIX; i++) {
    suffix += ALPHABET[randomInt(ALPHABET.length)];
  }
  return base.slice(0, MAX_NAME - SUFFIX) + suffix;
}
