/** What the sources tell, and what they do not. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import { type RunningSources, startSources } from '#local/sources/start-sources.ts';
import {
  type Answering,
  isReady,
  type Received,
  type Subscriber,
  startSubscriber,
  until,
} from '#test/unit/broker/world.ts';

const BUILD = { 'app.kubernetes.io/managed-by': 'knative-lambda' };
let storage: Storage;
let sink: Subscriber & { close(): Promise<void> };
let sources: RunningSources | undefined;
let slept: number[];
let lost: string[];
let answer: Answering;

beforeEach(async () => {
  storage = createStorage();
  slept = [];
  lost = [];
  answer = () => ({ status: 202 });
  sink = await startSubscriber((received, count) => answer(received, count));
  for (const name of ['ns', 'builds', 'other']) {
    storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
});
afterEach(async () => {
  sources?.close();
  await sink.close();
});

function job(name: string, labels: Record<string, string> = BUILD, namespace = 'builds') {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace, labels }, spec: { template } };
}

function start(now?: () => Date): void {
  sources = startSources({
    storage,
    kubernetesUrl: 'http://127.0.0.1:8001',
    resolve: () => undefined,
    log: (line) => lost.push(line),
    sleep: async (milliseconds, signal) => {
      slept.push(milliseconds);
      await wait(milliseconds > 10_000 ? 60_000 : 0, undefined, { signal });
    },
    ...(now ? { now } : {}),
  });
}

async function watchJobs(spec: object = {}, ready = true): Promise<void> {
  storage.create({
    apiVersion: 'sources.knative.dev/v1',
    kind: 'ApiServerSource',
    metadata: { name: 'builds', namespace: 'ns' },
    spec: {
      mode: 'Resource',
      serviceAccountName: 'watcher',
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'builds' } },
      resources: [{ apiVersion: 'batch/v1', kind: 'Job', selector: { matchLabels: BUILD } }],
      sink: { uri: sink.url },
      ...spec,
    },
  });
  start();
  await until(
    () =>
      storage.get('apiserversources.sources.knative.dev', 'ns', 'builds')?.['status'] &&
      isReady(storage, 'apiserversources.sources.knative.dev', 'builds') === ready,
  );
}

const told = () =>
  sink.received.map(({ headers }) => `${String(headers['ce-type']).split('.').at(-1)} ${headers['ce-name']}`);
const settle = () => wait(60);

describe('an ApiServerSource', () => {
  test('tells each change of what it selects, in order, with the whole object', async () => {
    await watchJobs();

    const created = storage.create(job('one'));
    storage.updateStatus('jobs.batch', 'builds', 'one', { active: 1 });
    storage.remove('jobs.batch', 'builds', 'one', { propagationPolicy: 'Background' });
    await until(() => told().includes('delete one'));

    expect(told()[0]).toBe('add one');
    expect(told().at(-1)).toBe('delete one');
    expect(told().filter((line) => line === 'update one').length).toBeGreaterThan(0);
    const { headers, body } = sink.received[0] as Received;
    expect(headers).toMatchObject({
      'ce-specversion': '1.0',
      'ce-type': 'dev.knative.apiserver.resource.add',
      'ce-source': 'http://127.0.0.1:8001',
      'ce-subject': '/apis/batch/v1/namespaces/builds/jobs/one',
      'ce-kind': 'Job',
      'ce-apiversion': 'batch/v1',
      'ce-name': 'one',
      'ce-namespace': 'builds',
      'content-type': 'application/json',
    });
    expect(JSON.parse(body).metadata.uid).toBe(created.metadata.uid);
    expect(new Set(sink.received.map((received) => received.headers['ce-id'])).size).toBe(sink.received.length);
  });

  test('says nothing of what was there before it, until that changes', async () => {
    storage.create(job('old'));
    await watchJobs();
    await settle();
    expect(told()).toEqual([]);

    storage.updateStatus('jobs.batch', 'builds', 'old', { active: 1 });
    await until(() => told().length === 1);

    expect(told()).toEqual(['update old']);
  });

  test('nor of what changed while it was away', async () => {
    await watchJobs();
    sources?.close();
    storage.create(job('missed'));
    await settle();
    start();
    await settle();

    expect(told()).toEqual([]);
  });

  test('takes an object that leaves its selection for deleted, and one that enters for added', async () => {
    await watchJobs();
    const created = storage.create(job('one', {}));
    storage.update({ ...created, metadata: { ...created.metadata, labels: BUILD } });
    await until(() => told().length === 1);
    const labelled = storage.get('jobs.batch', 'builds', 'one');
    storage.update({
      ...(labelled as NonNullable<typeof labelled>),
      metadata: { ...created.metadata, resourceVersion: labelled?.metadata.resourceVersion ?? '', labels: {} },
    });
    await until(() => told().length === 2);

    expect(told()).toEqual(['add one', 'delete one']);
  });

  test('looks into the selected namespaces alone, or, without a selector, into its own', async () => {
    await watchJobs();
    storage.create(job('elsewhere', BUILD, 'other'));
    storage.create(job('unlabelled', {}));
    storage.create(job('right'));
    await until(() => told().length > 0);
    await settle();

    expect(new Set(told())).toEqual(new Set(['add right']));
  });

  test('gives its events the extensions of ceOverrides', async () => {
    await watchJobs({ ceOverrides: { extensions: { team: 'blue' } } });
    storage.create(job('one'));
    await until(() => sink.received.length > 0);

    expect(sink.received[0]?.headers['ce-team']).toBe('blue');
  });

  test('tries five times more, and then the event is lost', async () => {
    answer = () => ({ status: 503 });
    await watchJobs();
    storage.create(job('one'));
    await until(() => lost.length > 0);

    expect(slept.slice(0, 5)).toEqual([100, 200, 400, 800, 1600]);
    expect(lost[0]).toContain('dev.knative.apiserver.resource.add');
  });

  test('does not retry a 500, which is not among what the SDK holds for worth it', async () => {
    answer = () => ({ status: 500 });
    await watchJobs();
    storage.create(job('one'));
    await until(() => lost.length > 0);

    expect(slept).toEqual([]);
  });

  test('without a sink is not Ready and says why', async () => {
    await watchJobs({ sink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'none' } } }, false);
    const conditions: { type: string; status: string; reason: string }[] = storage.get(
      'apiserversources.sources.knative.dev',
      'ns',
      'builds',
    )?.['status'].conditions;

    expect(conditions.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'NotFound' });
  });
});

describe('a PingSource', () => {
  const ping = (spec: object) => ({
    apiVersion: 'sources.knative.dev/v1',
    kind: 'PingSource',
    metadata: { name: 'clock', namespace: 'ns' },
    spec: { schedule: '* * * * *', sink: { uri: sink.url }, ...spec },
  });

  test('fires when it is due, with its data', async () => {
    storage.create(ping({ contentType: 'application/json', data: '{"tick":true}' }));
    let time = Date.parse('2026-03-04T05:06:58Z');
    start(() => {
      time += 1000;
      return new Date(time);
    });
    await until(() => sink.received.length > 0);

    expect(sink.received[0]?.headers).toMatchObject({
      'ce-type': 'dev.knative.sources.ping',
      'ce-source': '/apis/v1/namespaces/ns/pingsources/clock',
      'content-type': 'application/json',
    });
    expect(String(sink.received[0]?.headers['ce-time'])).toMatch(/^2026-03-04T05:07:/);
    expect(sink.received[0]?.body).toBe('{"tick":true}');
  });

  test('fires by the clock of its time zone', async () => {
    storage.create(ping({ schedule: '0 9 * * mon-fri', timezone: 'Asia/Kolkata' }));
    let time = Date.parse('2026-03-09T03:29:58Z');
    start(() => {
      time += 1000;
      return new Date(time);
    });
    await until(() => sink.received.length > 0);

    expect(String(sink.received[0]?.headers['ce-time'])).toMatch(/^2026-03-09T03:30:/);
  });

  test.each(['often', '@every 5m', '* * * * * * *'])('of schedule %j is not Ready and says why', async (schedule) => {
    storage.create(ping({ schedule }));
    start();
    await settle();

    const { conditions } = storage.get('pingsources.sources.knative.dev', 'ns', 'clock')?.['status'] ?? {};
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'Invalid' }));
  });

  test('stops where it is deleted', async () => {
    storage.create(ping({ schedule: '* * * * * *' }));
    start();
    await until(() => sink.received.length > 1);
    storage.remove('pingsources.sources.knative.dev', 'ns', 'clock');
    await settle();
    const before = sink.received.length;
    await settle();

    expect(sink.received.length).toBe(before);
  });
});
