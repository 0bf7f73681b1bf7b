/** Which function an event calls. */
import { expect, test } from 'vitest';
import { routeOf } from '#shared/events/route.ts';
import { received } from '#test/fakes/received.ts';

const ACME = { identity: { third_party_id: 'acme', parser_id: 'p1' } };
const IDS = { third_party_id: 'acme', parser_id: 'p1' };

test.each<[string, unknown, Record<string, string>]>([
  ['subject', undefined, { subject: 'acme/p1' }],
  ['subject, with data that is no object', [1], { subject: 'acme/p1' }],
  ['subject, whatever the data say', { third_party_id: 'x', parser_id: 'y' }, { subject: 'acme/p1' }],
  ['subject, with ids of other types in the data', { third_party_id: {} }, { subject: 'acme/p1' }],
  ['data', IDS, {}],
  ['data with a subject of three parts', IDS, { subject: 'a/b/c' }],
  ['source and data', { parser_id: 'p1' }, { source: 'network.notifi.acme' }],
  ['source and subject', 'text', { source: 'network.notifi.acme', subject: 'p1' }],
])('by %s', (_, data, attributes) => {
  const route = routeOf(received('parser.start', data, attributes));
  expect(route).toEqual(ACME);
});

test.each<[string, unknown, Record<string, string>]>([
  ['nothing', undefined, {}],
  ['half a subject', {}, { subject: 'acme/' }],
  ['a path', {}, { subject: 'acme/../p1' }],
  ['a header', {}, { subject: 'acme/p1\r\nx: y' }],
  ['a host', {}, { subject: 'acme/p1.evil.example' }],
  ['too long a name', {}, { subject: `acme/${'p'.repeat(101)}` }],
  ['data that disagree with the source', { ...IDS }, { source: 'network.notifi.other' }],
])('not by %s', (_, data, attributes) => {
  const route = routeOf(received('parser.start', data, attributes));
  expect(route).toMatchObject({ problems: expect.arrayContaining([expect.objectContaining({ path: 'subject' })]) });
});
