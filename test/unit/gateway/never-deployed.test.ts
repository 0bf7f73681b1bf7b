/** Functions whose first build failed are in the list, and those whose process ends are not simply ready. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexKey } from '#shared/history/build-index.ts';
import { type ApiWorld, openApiWorld, TEMPORARY } from './api-world.ts';

let world: ApiWorld;
const build = (third_party_id: string, parser_id: string, status: 'failed' | 'success' = 'failed') => ({
  third_party_id,
  parser_id,
  correlation_id: `c-${parser_id}`,
  completed_at: '2026-11-02T00:00:01.000Z',
  duration_ms: 1500,
  status,
  reason: 'UnknownLanguage',
});
const put = (...of: Parameters<typeof build>) => world.store.put(TEMPORARY, indexKey(build(...of)), '');

beforeAll(async () => {
  world = await openApiWorld();
  await world.deploy('acme', 'there');
  await world.deploy('acme', 'crashes');
  put('acme', 'there');
  put('acme', 'first');
  put('acme', 'given-up');
  put('acme', 'gone', 'success');
  // Nothing of it is deployed.
  put('mallory', 'only');
  const deleted = { event_id: 'd', time: '2026-11-03T00:00:00.000Z', deleted: [] };
  world.store.put(TEMPORARY, 'tombstones/acme/given-up.json', JSON.stringify(deleted));
  world.store.put(TEMPORARY, 'history-crashes/acme/crashes.json', '{}');
  world.store.put(TEMPORARY, 'history-crashes/acme/there.broken.json', '{}');
});
afterAll(() => world.running.close());

const list = async (query: string, as?: string) =>
  (await world.get(`/functions?${query}`, as)).json.items.map((one: { parser_id: string }) => one.parser_id);

test('a function whose only build failed is listed, found and shown, with the reason', async () => {
  expect(await list('')).toEqual(['crashes', 'first', 'there']);
  expect(await list('search=firs&state=failed')).toEqual(['first']);
  const { json } = await world.get('/functions/acme/first');
  expect(json).toMatchObject({
    state: 'failed',
    message: expect.stringMatching(/its build failed, and there is no version yet: UnknownLanguage/),
    builds: [{ status: 'failed', reason: 'UnknownLanguage' }],
  });
  expect(json).not.toHaveProperty('image_uri');
});

test('also where its tenant has nothing else', async () => {
  expect(await list('', 'mallory.ci')).toEqual(['only']);
});

test('a function whose process ended during a call says when', async () => {
  const { json } = await world.get('/functions/acme/crashes');
  expect(json).toMatchObject({ state: 'ready', crashed_at: expect.any(String) });
  expect((await world.get('/functions/acme/there')).json).not.toHaveProperty('crashed_at');
});
