/** What the documents point to is there: paths in their text, relative links, headings; and their lines end at column 120. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !['node_modules', 'dist'].includes(entry.name),
  )
  .map(({ name }) => name);
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'examples/**/*.md', 'local/README.md'].flatMap(
  (pattern) => globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules'] }),
);

/** Without its code blocks, whose commands may make what they name. */
function proseOf(document: string): string {
  return readFileSync(join(ROOT, document), 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '');
}

/** A placeholder (`<name>`, `{id}`, `…`) stands for anything. */
function exists(path: string): boolean {
  return globSync(path.replace(/<[^>]*>|\{[^}]*\}|…/g, '*'), { cwd: ROOT }).length > 0;
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(' ', '-')
    .replace(/[^\p{L}\p{N}_-]/gu, '');
}

describe.each(DOCUMENTS)('%s', (document) => {
  const prose = proseOf(document);

  test('names only paths that exist', () => {
    const path = new RegExp(`(?<![\\w/.:}@-])(?:${FOLDERS.join('|')})/[^\\s\`()[\\]|,;:"']*`, 'g');
    const named = [...prose.matchAll(path)].map(([match]) => match.replace(/#.*|[./]+$/g, ''));
    expect(named.filter((name) => !exists(name))).toEqual([]);
  });

  test('links only to files and headings that exist', () => {
    const links = [...prose.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? document : join(dirname(document), file);
      if (!exists(target)) {
        return true;
      }
      const headings = anchor === undefined ? [] : [...proseOf(target).matchAll(/^#+ (.*)$/gm)];
      return anchor !== undefined && !headings.some(([, heading = '']) => anchorOf(heading) === anchor);
    });
    expect(broken).toEqual([]);
  });

  test('ends its lines at column 120, tables and code excepted', () => {
    const unbreakable = /^\s*(?:[-*] |\d+\. )?(?:`[^`]*`|\S)+$/;
    const isTable = (line: string) => line.trimStart().startsWith('|');
    const tooLong = prose.split('\n').filter((line) => line.length > 120 && !isTable(line) && !unbreakable.test(line));
    expect(tooLong).toEqual([]);
  });
});
