/** What of a dropped folder is not uploaded: what the build makes anew, what tools leave behind, and what is secret. */

const FOLDERS = new Set([
  'node_modules',
  '.venv',
  'venv',
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  '.git',
  '.hg',
  '.svn',
  '.idea',
  '.vscode',
  '.func',
  '.local',
]);
const FILES = /^(\.DS_Store|\.gitignore|\.gitattributes|\.env(\..*)?|.*\.pyc)$/;
/** Only at the top of the folder: what the command is told by, the event to try it with, and what Rust builds. */
const AT_TOP = new Set(['function.yaml', 'event.json', 'target']);

/** `path` is relative to the dropped folder. */
export function isLeftOut(path: string): boolean {
  const parts = path.split('/');
  const file = parts.at(-1) ?? '';
  return AT_TOP.has(parts[0] ?? '') || parts.slice(0, -1).some((part) => FOLDERS.has(part)) || FILES.test(file);
}

/** A name that the platform takes, as near as it can be to that of the folder. */
export function nameFrom(folder: string): string {
  return folder
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
}
