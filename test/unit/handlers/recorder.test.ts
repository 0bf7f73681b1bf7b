/** What recorder keeps: each event once, in the history of its function, in the order of builds and calls. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { RecorderDependencies } from '#functions/recorder/dependencies.ts';
import { recorder } from '#functions/recorder/handler.ts';
import { createBuildMetrics } from '#functions/recorder/metrics.ts';
import { BUILD_RECORD } from '#shared/builds/build-record.ts';
import { listBuilds } from '#shared/history/build-index.ts';
import { listCalls } from '#shared/history/calls.ts';
import { readChain } from '#shared/history/chain.ts';
import { createFeed, feedKeyAt, listFeed, placeInFeed, readBatch } from '#shared/history/feed.ts';
import { buildOfChain, phasesOf, timelineOf } from '#shared/history/timeline.ts';
import { registry } from '#shared/telemetry/metrics.ts';
import { uncountedBuilds } from '#test/fakes/build-metrics.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { received } from '#test/fakes/received.ts';

const BUCKET = 'tmp';
const ACME = { third_party_id: 'acme', parser_id: 'p1' };
const NOW = new Date('2026-11-02T00:00:00Z');

let store: InMemoryObjectStore;
let deps: RecorderDependencies;
beforeEach(() => {
  store = new InMemoryObjectStore(BUCKET);
  deps = {
    store,
    temporaryBucket: BUCKET,
    feed: createFeed(store, BUCKET, () => NOW),
    authentication: 'off',
    metrics: uncountedBuilds,
    now: () => NOW,
  };
});

const at = (second: number) => new Date(NOW.getTime() + second * 1000).toISOString();

async function record(
  type: string,
  second: number,
  data: object = {},
  attributes: Record<string, string> = {},
  claims?: object,
): Promise<void> {
  const event = received(type, { ...ACME, ...data }, {
    id: `${type}-${second}`,
    source: 'knative-lambda',
    subject: 'acme/p1',
    time: at(second),
    correlationid: 'c1',
    ...attributes,
  } as never);
  await recorder({ ...event, correlationId: 'c1' } as never, deps, { claims } as never);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

async function recordBuild(): Promise<void> {
  await record('build.start', 0);
  await record('job.start', 1, { language: 'node' }, { causationid: 'build.start-0' });
  await record('lifecycle.build.started', 2, { job_name: 'build-p1', state: 'started' });
  await record('build.complete', 12, { status: 'failed', reason: 'CompileFailed', error_message: 'line 3' });
  await record('lifecycle.build.failed', 13, { status: 'failed', reason: 'CompileFailed', error_message: 'line 3' });
}

test('a build is a chain, in order, and a line of the list of builds', async () => {
  await recordBuild();
  const chain = await readChain(store, BUCKET, ACME, 'c1');
  expect(chain.map(({ type }) => type)).toEqual([
    'build.start',
    'job.start',
    'lifecycle.build.started',
    'build.complete',
    'lifecycle.build.failed',
  ]);
  const build = { ...ACME, status: 'failed', reason: 'CompileFailed', path: 'job', correlation_id: 'c1' };
  expect(buildOfChain(ACME, 'c1', chain)).toMatchObject({ ...build, language: 'node', job_name: 'build-p1' });
  expect((await collect(listBuilds(store, BUCKET, 'acme'))).map((one) => one.build)).toMatchObject([
    { ...build, duration_ms: 12_000 },
  ]);
  expect(phasesOf(chain)).toMatchObject([
    { name: 'prepare', duration_ms: 1000 },
    { name: 'schedule', duration_ms: 1000 },
    { name: 'build', duration_ms: 10_000 },
    { name: 'deploy', duration_ms: 1000 },
  ]);
  expect(timelineOf(chain).at(-1)).toMatchObject({ after_ms: 13_000, detail: 'CompileFailed: line 3' });
});

test('delivered again, also with another time, it is kept once', async () => {
  await recordBuild();
  const before = store.keys(BUCKET);
  await record('lifecycle.build.failed', 13, { reason: 'CompileFailed' }, { time: at(99) });
  expect(store.keys(BUCKET)).toEqual(before);
});

test('what crashed between two steps is done at the next delivery', async () => {
  store.failNext('write', new Error('crash'));
  await expect(record('lifecycle.build.completed', 3, { cached: true })).rejects.toThrow('crash');
  await record('lifecycle.build.completed', 3, { cached: true });
  expect((await collect(listBuilds(store, BUCKET, 'acme'))).map((one) => one.build)).toMatchObject([
    { status: 'success', path: 'cached' },
  ]);
});

describe('counted', () => {
  const record1 = (path: string, phases = {}) => ({
    [BUILD_RECORD]: JSON.stringify({ path, language: 'node', phases }),
  });
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => / [1-9]/.test(line));
  beforeEach(() => {
    registry.clear();
    deps.metrics = createBuildMetrics();
  });

  test('a build once, however often its end is told, with its phases and its whole duration', async () => {
    await record('build.start', 0);
    const end = () =>
      record('lifecycle.build.completed', 12, { cached: false }, record1('job', { queued: 3, build: 7 }));
    await end();
    await end();
    await record('lifecycle.function.ready', 14);
    await record('lifecycle.function.ready', 99);
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'knative_lambda_builds_total{status="success",reason="",language="node",path="job"} 1',
        'knative_lambda_build_duration_seconds_sum{path="job"} 12',
        'knative_lambda_build_phase_duration_seconds_sum{phase="queued",path="job"} 3',
        'knative_lambda_build_phase_duration_seconds_sum{phase="build",path="job"} 7',
        'knative_lambda_build_phase_duration_seconds_count{phase="build",path="job"} 1',
      ]),
    );
  });

  test('a failure by its reason, and no reason or status that a sender makes up', async () => {
    await record('lifecycle.build.failed', 1, { status: 'failed', reason: 'CompileFailed' }, record1('job'));
    await record('lifecycle.build.failed', 2, { status: 'made up', reason: 'MadeUp' }, { [BUILD_RECORD]: '{}' });
    expect(await lines()).toEqual([
      'knative_lambda_builds_total{status="failed",reason="CompileFailed",language="node",path="job"} 1',
      'knative_lambda_builds_total{status="failed",reason="other",language="unknown",path="none"} 1',
    ]);
  });
});

test('a cause never comes after what it causes, whatever the clocks say', async () => {
  await record('build.complete', 1, {}, { causationid: 'job.start-2' });
  await record('job.start', 2);
  expect((await readChain(store, BUCKET, ACME, 'c1')).map(({ type }) => type)).toEqual(['job.start', 'build.complete']);
});

test('calls are listed newest first, by the id of the call', async () => {
  const call = (second: number, data: object) =>
    record('parser.complete', second, data, { causationid: `call-${second}`, revision: 'fn-1' });
  await call(1, { succeeded: true, result: 1, duration_ms: 5 });
  await call(2, { succeeded: false, error: { type: 'Error', message: 'no' } });
  const calls = await collect(listCalls(store, BUCKET, ACME, { limit: 10 }));
  expect(calls.map((one) => one.call)).toMatchObject([
    { id: 'call-2', succeeded: false, error: { message: 'no' }, revision: 'fn-1' },
    { id: 'call-1', succeeded: true, result: 1, duration_ms: 5 },
  ]);
});

describe('not kept', () => {
  test("calls themselves: their data is the user's own", async () => {
    await record('parser.start', 0);
    await record('parser.deliver', 0);
    expect(store.keys(BUCKET)).toEqual([]);
  });

  test('what a build pod says, where events are signed', async () => {
    deps.authentication = 'required';
    await record('build.complete', 0);
    expect(store.keys(BUCKET)).toEqual([]);
    await record('build.complete', 0, {}, {}, { tenant: 'acme' });
    expect(store.keys(BUCKET).length).toBeGreaterThan(0);
  });

  test('more than 16 KiB of data', async () => {
    await record('lifecycle.build.failed', 0, { error_message: 'x'.repeat(50_000), list: new Array(9000).fill('y') });
    const [event] = await readChain(store, BUCKET, ACME, 'c1');
    expect(JSON.stringify(event).length).toBeLessThan(20_000);
  });
});

test('the feed has batches in order, each line with its cursor', async () => {
  await Promise.all([record('job.start', 1), record('lifecycle.build.started', 2)]);
  const keys = await listFeed(store, BUCKET, feedKeyAt(NOW.getTime() - 5000));
  expect(keys).toHaveLength(1);
  const lines = await readBatch(store, BUCKET, keys[0] ?? '');
  expect(lines.map(({ type }) => type).sort()).toEqual(['job.start', 'lifecycle.build.started']);
  expect(placeInFeed(lines[1]?.cursor ?? '')).toMatchObject({ key: keys[0], index: 1 });
  expect(placeInFeed('../x')).toBeUndefined();
  expect(await listFeed(store, BUCKET, feedKeyAt(NOW.getTime() + 1))).toEqual([]);
});
