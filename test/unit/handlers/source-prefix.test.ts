/** Which source a request may have built. */
import { expect, test } from 'vitest';
import { sourcePrefix } from '#shared/settings/values.ts';
import { sourcePrefixOf } from '#shared/specs/source-prefix.ts';

const identity = { third_party_id: 'mallory', parser_id: 'p1' };
const BY_TENANT = 'sources/{third_party_id}/parsers/{parser_id}/';
const SHARED = 'global/parser/{parser_id}/';

test.each([
  { template: BY_TENANT, requested: undefined, prefix: 'sources/mallory/parsers/p1/' },
  { template: BY_TENANT, requested: 'sources/mallory/other', prefix: 'sources/mallory/other/' },
  { template: BY_TENANT, requested: 'sources/mallory/', prefix: 'sources/mallory/' },
  { template: SHARED, requested: undefined, prefix: 'global/parser/p1/' },
  { template: SHARED, requested: 'elsewhere/x', prefix: 'elsewhere/x/' },
])('$requested of $template is built', ({ template, requested, prefix }) => {
  expect(sourcePrefixOf(template, identity, requested)).toEqual({ prefix });
});

test.each([
  { template: BY_TENANT, requested: 'sources/acme/parsers/payroll/' },
  { template: BY_TENANT, requested: 'sources/mallory2/parsers/p1/' },
  { template: BY_TENANT, requested: 'sources/' },
  { template: BY_TENANT, requested: 'sources/mallory' + 'x' },
  { template: SHARED, requested: 'global/parser/' },
  { template: SHARED, requested: 'global/parser' },
  { template: SHARED, requested: 'global/' },
])('$requested of $template is refused', ({ template, requested }) => {
  expect(sourcePrefixOf(template, identity, requested)).toEqual({ problem: expect.stringContaining(requested) });
});

test.each(['{parser_id}/', 'a/{third_party_id}-x/{parser_id}/', SHARED, BY_TENANT])('%s is a template', (template) => {
  expect(sourcePrefix.safeParse(template).success).toBe(true);
});

test.each(['', '/a/{parser_id}/', 'a/{parser_id}', 'a/', '../{parser_id}/', 'a//{parser_id}/', '{other}/{parser_id}/'])(
  '"%s" is no template',
  (template) => {
    expect(sourcePrefix.safeParse(template).success).toBe(false);
  },
);
