/** docs/api.md names every operation. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiPage } from '#docs/api-table.ts';

test('is what `npm run docs` writes', () => {
  expect(readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')).toBe(apiPage());
});
