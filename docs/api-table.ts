/** The table of operations in docs/api.md, from the table in the code: `npm run docs` writes it, a test compares it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OPERATIONS } from '#functions/gateway/api/table.ts';

const FILE = join(resolve(import.meta.dirname, '..'), 'docs/api.md');

export function apiPage(): string {
  return readFileSync(FILE, 'utf8').replace(
    /(<!-- operations -->\n)[\s\S]*?(<!-- end -->)/,
    (_all, begin: string, end: string) => `${begin}${table()}\n${end}`,
  );
}

function table(): string {
  const rows = OPERATIONS.map(({ method, path, says, answers }) => {
    const kind = 'page' in answers ? 'list' : 'lines' in answers ? 'stream' : '';
    return `| \`${method} ${path}\` | ${kind} | ${says.replaceAll('|', '\\|')} |`;
  });
  return ['| operation | | |', '|---|---|---|', ...rows].join('\n');
}

if (import.meta.main) {
  writeFileSync(FILE, apiPage());
}
