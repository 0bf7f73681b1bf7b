/** What of a folder is not uploaded, by its own .gitignore. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GITIGNORE, type Ignores, ignoresOf } from '#shared/folder/left-out.ts';

export function ignoresIn(folder: string): Ignores {
  try {
    return ignoresOf(readFileSync(join(folder, GITIGNORE), 'utf8'));
  } catch {
    // Most folders have none.
    return ignoresOf();
  }
}
