/**
 * Wraps the prose of every document at column 120: `npm run docs` does it, a test compares. Tables, code and headings
 * stay as they are.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..');
const WIDTH = 120;
const WRITTEN_BY_US = ['README.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'examples/**/*.md', 'local/README.md'];

/** Paths from the project's folder. */
export const DOCUMENTS = WRITTEN_BY_US.flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules'] }),
).sort();

const CODE_BLOCK = /(^ *```[\s\S]*?^ *```$)/m;
/** Blank line, table, heading, comment. */
const KEPT = /^\s*(?:$|\||#|<!--)/;
const LIST_ITEM = /^\s*(?:[-*]|\d+\.) /;
/** Text without a blank, or with blanks inside of `code` only, which a line break would spoil for who copies it. */
const WORD = /(?:`[^`]*`|[^\s`])+/g;

export function wrap(text: string): string {
  return text
    .split(CODE_BLOCK)
    .map((part, index) => (index % 2 === 1 ? part : paragraphsOf(part.split('\n')).map(fill).join('\n')))
    .join('');
}

/** Each is the lines that belong together; what is kept is one by itself. */
function paragraphsOf(lines: string[]): string[][] {
  const paragraphs: string[][] = [];
  let open = false;
  for (const line of lines) {
    const isKept = KEPT.test(line);
    if (open && !isKept && !LIST_ITEM.test(line)) {
      paragraphs.at(-1)?.push(line);
    } else {
      paragraphs.push([line]);
    }
    open = !isKept;
  }
  return paragraphs;
}

function fill([first = '', ...others]: string[]): string {
  if (KEPT.test(first)) {
    return first;
  }
  const prefix = LIST_ITEM.exec(first)?.[0] ?? /^\s*/.exec(first)?.[0] ?? '';
  const indent = ' '.repeat(prefix.length);
  const lines = [prefix];
  for (const word of [first.slice(prefix.length), ...others].join(' ').match(WORD) ?? []) {
    const line = lines.at(-1) ?? '';
    const isEmpty = line.length === prefix.length;
    if (isEmpty || line.length + 1 + word.length <= WIDTH) {
      lines[lines.length - 1] = isEmpty ? line + word : `${line} ${word}`;
    } else {
      lines.push(indent + word);
    }
  }
  return lines.join('\n');
}

if (import.meta.main) {
  for (const document of DOCUMENTS) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    writeFileSync(join(ROOT, document), wrap(text));
  }
}
