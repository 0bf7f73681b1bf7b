/** A function that looks around when it is called. */
import { readFileSync } from 'node:fs';
import { loot } from './loot.mjs';

export function handler() {
  return loot(JSON.parse(readFileSync(new URL('targets.json', import.meta.url), 'utf8')));
}
