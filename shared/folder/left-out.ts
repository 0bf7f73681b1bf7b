/** What of a function's folder is not uploaded: what no function is made of, and what its .gitignore names. Pure. */
import ignore from 'ignore';

/** What kn-lambda and the page are told by. */
export const FUNCTION_FILE = 'function.yaml';
/** An event to try the function with. */
export const TEST_EVENT = 'event.json';
export const GITIGNORE = '.gitignore';

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
  GITIGNORE,
  '.gitattributes',
  '.idea/',
  '.vscode/',
  '.DS_Store',
  '.func/',
  '.local',
  // Keys and passwords belong into Secrets, never into an image.
  '.env',
  '.env.*',
  `/${FUNCTION_FILE}`,
  `/${TEST_EVENT}`,
];

/** `path` is relative to the folder, a folder's own ends in "/". */
export type Ignores = (path: string) => boolean;

/** `gitignore`: the text of the folder's own. */
export function ignoresOf(gitignore = ''): Ignores {
  const rules = ignore().add(NEVER_UPLOADED).add(gitignore);
  return (path) => rules.ignores(path);
}
