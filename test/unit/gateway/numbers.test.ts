/** What the API tells of calls in numbers, and of the last build of each function. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLastBuilds } from '#functions/gateway/api/last-builds.ts';
import { createReadHour } from '#functions/gateway/api/numbers.ts';
import * as schemas from '#shared/api/schemas.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { indexKey } from '#shared/history/build-index.ts';
import { createHourOfCalls } from '#shared/history/hour-of-calls.ts';
import { type CountedCall, createCallNumbers } from '#shared/history/write-call-numbers.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { type ApiWorld, openApiWorld, TEMPORARY } from './api-world.ts';

const ACME = { third_party_id: 'acme', parser_id: 'a1' };
let world: ApiWorld;

beforeEach(async () => {
  world = await openApiWorld();
  await world.deploy('acme', 'a1');
  await world.deploy('acme', 'a2');
  await world.deploy('mallory', 'm1');
});
afterEach(() => world.running.close());

async function count(...calls: Partial<CountedCall>[]): Promise<void> {
  const now = () => new Date();
  const numbers = createCallNumbers({ store: world.store, bucket: TEMPORARY, now, onLost: () => undefined });
  for (const call of calls) {
    numbers.count({ ...ACME, revision: 'r-1', outcome: 'succeeded', milliseconds: 10, cold: false, ...call });
  }
  await numbers.flush();
}

function build(parser_id: string, completed: number, status: 'success' | 'failed', third_party_id = 'acme'): string {
  return indexKey({
    third_party_id,
    parser_id,
    correlation_id: `c-${completed}`,
    status,
    completed_at: new Date(completed).toISOString(),
    duration_ms: 1000,
  });
}

describe('calls of the last hour', () => {
  beforeEach(() =>
    count({ cold: true, milliseconds: 900 }, { outcome: 'Timeout', milliseconds: 30_000 }, { revision: 'r-2' }),
  );

  test('are told by minute and by version', async () => {
    const { json } = await world.get('/functions/acme/a1/metrics');
    const metrics = schemas.functionMetricsSchema.parse(json);
    expect(metrics.total).toMatchObject({ calls: 3, errors: 1, cold_starts: 1, errors_by_reason: { Timeout: 1 } });
    expect(metrics.total.p95_ms).toBeGreaterThan(20_000);
    expect(metrics.points).toHaveLength(60);
    expect(metrics.points.reduce((sum, { calls }) => sum + calls, 0)).toBe(3);
    expect(metrics.versions.map(({ revision, calls, errors }) => [revision, calls, errors])).toEqual([
      ['r-2', 1, 0],
      ['r-1', 2, 1],
    ]);
  });

  test('are in the list of functions, and 0 where there was none', async () => {
    const [a1, a2] = (await world.get('/functions')).json.items;
    expect(schemas.functionSchema.parse(a1)).toMatchObject({ calls: 3, errors: 1, p95_ms: expect.any(Number) });
    expect(a2).toMatchObject({ calls: 0, errors: 0 });
    expect(a2.p95_ms).toBeUndefined();
    expect((await world.get('/functions/acme/a1')).json).toMatchObject({ calls: 3, errors: 1 });
  });

  test('are nothing to another tenant', async () => {
    const never = await world.get('/functions/mallory/x/metrics', 'mallory.ci');
    expect(never.status).toBe(404);
    expect((await world.get('/functions/acme/a1/metrics', 'mallory.ci')).text).toBe(never.text);
    expect((await world.get('/functions/mallory/m1/metrics', 'mallory.ci')).json.total.calls).toBe(0);
  });

  test('are left out where S3 does not answer, and nothing else is', async () => {
    const down = await openApiWorld();
    await down.deploy('acme', 'a1');
    const { list } = down.store;
    down.store.list = () => {
      throw new RetryableError('Unavailable', 'S3 is down');
    };
    const [a1] = (await down.get('/functions')).json.items;
    expect(a1).toMatchObject({ state: 'ready', last_build: { status: 'success' } });
    expect(a1.calls).toBeUndefined();
    expect((await down.get('/functions/acme/a1/metrics')).json).toMatchObject({ total: { calls: 0 }, points: [] });
    down.store.list = list;
    await down.running.close();
  });
});

test('the hour is read once in five seconds, however many ask, and never waited for long', async () => {
  const store = new InMemoryObjectStore('b');
  let clock = 0;
  const read = createReadHour(createHourOfCalls(store, 'b'), () => clock);
  await Promise.all([read(), read(), read()]);
  clock = 4999;
  await read();
  expect(store.calls).toHaveLength(1);
  clock = 5000;
  const { list } = store;
  store.list = async function* () {
    await new Promise(() => {});
    yield* list.call(store, 'b', '');
  };
  expect(await read()).toBeDefined();
});

describe('the last build of each function', () => {
  const NOW = Date.now();

  test('is in the list, also where it failed or runs', async () => {
    world.store.put(TEMPORARY, build('a1', NOW - 50_000, 'success'), '');
    world.store.put(TEMPORARY, build('a1', NOW - 10_000, 'failed'), '');
    const [a1, a2] = (await world.get('/functions')).json.items;
    expect(a1.last_build).toMatchObject({ status: 'failed', correlation_id: `c-${NOW - 10_000}`, duration_ms: 1000 });
    // Of this one the history tells nothing: it is known that its version was built.
    expect(a2.last_build).toMatchObject({ status: 'success' });
  });

  test('costs a listing a tenant, and one more only where something may be new', async () => {
    const store = new InMemoryObjectStore('b');
    let clock = 100_000;
    const lastBuilds = createLastBuilds(store, 'b', () => clock);
    for (let index = 0; index < 2500; index++) {
      store.put('b', build(`f${index % 1000}`, NOW - index * 100_000, 'success'), '');
    }
    expect((await lastBuilds(['acme'], new Set())).size).toBe(1000);
    const first = store.calls.length;
    await lastBuilds(['acme'], new Set());
    expect(store.calls).toHaveLength(first);
    // A second later one ended, which is told by its Job.
    store.put('b', build('f7', NOW + 1000, 'failed'), '');
    clock += 500;
    const builds = await lastBuilds(['acme'], new Set(['acme']));
    expect(builds.get('acme/f7')).toMatchObject({ status: 'failed' });
    expect(builds.size).toBe(1000);
    // One that was recorded late, before the newest, is seen as well.
    store.put('b', build('f8', NOW + 500, 'failed'), '');
    clock += 2001;
    expect((await lastBuilds(['acme'], new Set())).get('acme/f8')).toMatchObject({ status: 'failed' });
  });

  test('is asked for less often where there are many tenants', async () => {
    const store = new InMemoryObjectStore('b');
    let clock = 100_000;
    const lastBuilds = createLastBuilds(store, 'b', () => clock);
    const tenants = Array.from({ length: 100 }, (_, index) => `t${index}`);
    await lastBuilds(tenants, new Set());
    const first = store.calls.length;
    for (let second = 0; second < 60; second++) {
      clock += 1000;
      await lastBuilds(tenants, new Set());
    }
    expect((store.calls.length - first) / 60).toBeLessThanOrEqual(5);
  });
});
