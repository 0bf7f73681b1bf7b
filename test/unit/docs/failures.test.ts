/** What the documents say of failures is what the code does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { FILES, withTables } from '#docs/tables.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

test.each(FILES)('the tables of %s are those of the code: npm run docs', (file) => {
  const text = readFileSync(file, 'utf8');
  expect(text).toBe(withTables(text));
});

test('every reason that a request or a build can end with stands in events.md', () => {
  const documented = readFileSync(join(ROOT, 'docs/events.md'), 'utf8');
  const missing = [...reasonsOf('shared'), ...reasonsOf('functions')].filter((reason) => !documented.includes(reason));
  expect(missing).toEqual([]);
});

/**
 * As they stand in the code: the first word of a PermanentError, of a failed Job's ending, of an ending given to a Job.
 */
function reasonsOf(folder: string): Set<string> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const pattern =
    /(?:new PermanentError\(\s*|told\(\s*|status: '(?:failed|timeout|cancelled|superseded)',\s*reason: )'([A-Z]\w+)'/g;
  return new Set(
    files.flatMap((file) =>
      [...readFileSync(join(ROOT, folder, file), 'utf8').matchAll(pattern)].map(([, reason = '']) => reason),
    ),
  );
}
