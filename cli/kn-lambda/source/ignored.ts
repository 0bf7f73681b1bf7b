/** What of a folder is not uploaded: what no function is made of, and what the folder's .gitignore names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ignore from 'ignore';
import { FUNCTION_FILE } from './function-file.ts';

export const TEST_EVENT = 'event.json';

/** A line `!name` in .gitignore brings one of them back. */
export const NEVER_UPLOADED = [
  // Installed anew by the build, for the platform that runs it.
  'node_modules/',
  '.venv/',
  'venv/',
  '/target/',
  // What tools leave behind.
  '__pycache__/',
  '*.pyc',
  '.pytest_cache/',
  '.mypy_cache/',
  '.ruff_cache/',
  '.git/',
  '.hg/',
  '.svn/',
  '.gitignore',
  '.gitattributes',
  '.idea/',
  '.vscode/',
  '.DS_Store',
  '.func/',
  '.local',
  // Keys and passwords belong into Secrets, never into an image.
  '.env',
  '.env.*',
  // For kn-lambda itself.
  `/${FUNCTION_FILE}`,
  `/${TEST_EVENT}`,
];

/** `path` is relative to the folder, a folder's own ends in "/". */
export type Ignores = (path: string) => boolean;

export function ignoresOf(folder: string): Ignores {
  const rules = ignore().add(NEVER_UPLOADED);
  try {
    rules.add(readFileSync(join(folder, '.gitignore'), 'utf8'));
  } catch {
    // Most folders have none.
  }
  return (path) => rules.ignores(path);
}
