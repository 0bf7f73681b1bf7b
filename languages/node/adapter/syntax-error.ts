/**
 * Where the code is that Node cannot parse. Of an ES module Node tells that only when the error ends the process, never
 * to who catches it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { SECOND } from '#shared/durations.ts';

/** Each costs a process of Node. */
const MOST_FILES = 20;
const PATIENCE = 15 * SECOND;
const LONGEST_LINE = 120;
const IMPORTED = /(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** As `lib/rows.mjs:3`: the file, or one that it imports by a path. Nothing of the user's is run. */
export function placeOfSyntaxError(root: string, file: string): string | undefined {
  const files = [file];
  const end = performance.now() + PATIENCE;
  for (const [index, name] of files.entries()) {
    if (index >= MOST_FILES || performance.now() > end) {
      return undefined;
    }
    const path = join(root, name);
    const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: PATIENCE });
    const [, told, line] = /^(?:file:\/\/)?(\/[^\n]+):(\d+)\n/.exec(stderr) ?? [];
    if (told === path && line !== undefined) {
      return `${name}:${line}`;
    }
    files.push(...importsOf(root, path).filter((one) => !files.includes(one)));
  }
  return undefined;
}

function importsOf(root: string, path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(IMPORTED)]
    .map(([, specifier = '']) => join(dirname(path), specifier))
    .filter((one) => /\.[cm]?js$/.test(one) && existsSync(one))
    .map((one) => relative(root, one))
    .filter((one) => !one.startsWith('..'));
}

/** The text at a place such as `parser.mjs:2`. */
export function lineAt(root: string, place: string): string | undefined {
  const [, file = '', line] = /^(.+):(\d+)$/.exec(place) ?? [];
  try {
    const text = readFileSync(join(root, file), 'utf8').split('\n')[Number(line) - 1]?.trim();
    return text === undefined || text === '' ? undefined : text.slice(0, LONGEST_LINE);
  } catch {
    return undefined;
  }
}
