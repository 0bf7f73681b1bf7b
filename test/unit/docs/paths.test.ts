/**
 * What the documents point to is there: paths in their text, relative links, headings. And they are wrapped one way.
 */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DOCUMENTS, ROOT, wrap } from '#docs/wrap.ts';

const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$|^dist$/.test(entry.name))
  .map(({ name }) => name);

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

  test('is wrapped: npm run docs', () => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    expect(wrap(text)).toBe(text);
  });
});

test.each([
  ['a long line', `${'word '.repeat(30)}end`, `${'word '.repeat(24).trim()}\n${'word '.repeat(6)}end`],
  ['short lines', 'one\ntwo\n\nthree', 'one two\n\nthree'],
  ['list items', '- one\n  two\n- three', '- one two\n- three'],
  ['code in a line', `${'x'.repeat(110)} \`a long command\``, `${'x'.repeat(110)}\n\`a long command\``],
  ['a code block', '```sh\none\ntwo\n```\n', '```sh\none\ntwo\n```\n'],
  ['a table', `| ${'x '.repeat(100)}|\n| y |`, `| ${'x '.repeat(100)}|\n| y |`],
])('%s', (_case, text, wrapped) => {
  expect(wrap(text)).toBe(wrapped);
});
