/** What the build wrote beside the adapter: which function of which file is called. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Settings {
  /** Folder of the user's code; the adapter is in a folder of it. */
  root: string;
  /** Relative to the root. */
  file: string;
  /** Null: the first of the usual names. */
  function: string | null;
}

export function readSettings(adapter: string): Settings {
  const own = dirname(fileURLToPath(adapter));
  return { root: dirname(own), ...JSON.parse(readFileSync(`${own}/function.json`, 'utf8')) };
}
