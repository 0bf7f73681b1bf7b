/** What was recorded, read by the API: builds, timelines, calls, events, logs, and why. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recorder } from '#functions/recorder/handler.ts';
import * as schemas from '#shared/api/schemas.ts';
import type { LogSource } from '#shared/clients/pod-log-stream.ts';
import { TRIGGERS } from '#shared/doctor/installed.ts';
import { createFeed } from '#shared/history/feed.ts';
import { createInputs } from '#shared/history/inputs.ts';
import { functionName } from '#shared/specs/names.ts';
import { uncountedBuilds } from '#test/fakes/build-metrics.ts';
import { FUNCTIONS_NAMESPACE, PODS } from '#test/fakes/cluster.ts';
import { received } from '#test/fakes/received.ts';
import { type ApiWorld, openApiWorld, TEMPORARY } from './api-world.ts';

const ACME = { third_party_id: 'acme', parser_id: 'a1' };
let world: ApiWorld;
let asked: LogSource[];
let written: Record<string, { time: string; text: string }[]>;

beforeEach(async () => {
  asked = [];
  written = {};
  world = await openApiWorld({
    streamLog: async function* (source) {
      asked.push(source);
      yield* written[source.pod] ?? [];
    },
  });
  await world.deploy('acme', 'a1');
});
afterEach(() => world.running.close());

const trigger = (name: string) => ({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Trigger',
  metadata: { name, namespace: FUNCTIONS_NAMESPACE, labels: { 'app.kubernetes.io/part-of': 'knative-lambda' } },
  spec: {
    broker: 'default',
    subscriber: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'x' } },
  },
});

test('what a Trigger that is gone would have brought is lost, and that is said of all that waits', async () => {
  const there = TRIGGERS.filter((name) => name !== 'parser-events-start' && name !== 'build-complete-wake');
  for (const name of there) {
    world.cluster.storage.create(trigger(name));
  }
  for (const query of [
    '',
    '?about=function&third_party_id=acme&parser_id=a1',
    '?about=call&third_party_id=acme&parser_id=a1&id=x',
  ]) {
    expect((await world.get(`/explain${query}`)).json).toMatchObject({
      healthy: false,
      cause: expect.stringContaining('Trigger parser-events-start does not work: it is not there'),
    });
  }
});

async function record(type: string, data: object, attributes: Record<string, string> = {}): Promise<void> {
  const { store } = world;
  const event = received(type, { ...ACME, ...data }, {
    id: type,
    source: 'knative-lambda',
    subject: 'acme/a1',
    time: new Date().toISOString(),
    ...attributes,
  } as never);
  const feed = createFeed(store, TEMPORARY, () => new Date());
  const deps = {
    store,
    temporaryBucket: TEMPORARY,
    feed,
    authentication: 'off' as const,
    metrics: uncountedBuilds,
    now: () => new Date(),
  };
  await recorder({ ...event, correlationId: attributes['correlationid'] ?? 'b/1' } as never, deps, {} as never);
}

async function recordFailure(): Promise<void> {
  const failure = {
    status: 'failed',
    reason: 'CompileFailed',
    error_message: 'the code does not compile: a.js:3. Mend it',
  };
  await record('build.start', {});
  await record('lifecycle.build.started', { job_name: 'build-a1' });
  await record('build.complete', failure);
  await record('lifecycle.build.failed', failure);
  world.store.put(TEMPORARY, 'logs/acme/a1/build-a1.log', 'step 1\nnpm error code E404\nnpm error 404 not found\n');
}

const path = `/builds/acme/a1/${encodeURIComponent('b/1')}`;

test('the timeline names the fields of a build.start that nothing has read', async () => {
  await record('build.start', { parameters: { timout_seconds: 5 } });
  const { items } = (await world.get(`/timeline/acme/a1/${encodeURIComponent('b/1')}`)).json;
  expect(items[0]).toMatchObject({
    title: 'the build was asked for',
    detail: 'ignored: parameters.timout_seconds is no field (did you mean parameters.timeout_seconds?)',
  });
});

describe('a build', () => {
  beforeEach(recordFailure);

  test('is shown with its timeline, its log and why it failed', async () => {
    const detail = schemas.buildDetailSchema.parse((await world.get(path)).json);
    expect(detail).toMatchObject({ status: 'failed', reason: 'CompileFailed', job_name: 'build-a1' });
    expect(detail.timeline.map(({ event }) => event?.type)).toEqual([
      'build.start',
      'lifecycle.build.started',
      'build.complete',
      'lifecycle.build.failed',
    ]);
    expect(detail.log_tail).toEqual(['step 1', 'npm error code E404', 'npm error 404 not found']);
    expect(detail.explanation).toMatchObject({ healthy: false, cause: expect.stringContaining('a.js:3') });
    expect((await world.get(`/explain?about=build&third_party_id=acme&parser_id=a1`)).json).toEqual(detail.explanation);
  });

  test('has a log, a line each', async () => {
    const { text, headers } = await world.get(`${path}/log`);
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => schemas.logLineSchema.parse(JSON.parse(line)));
    expect(lines.map((line) => line.text)).toEqual(['step 1', 'npm error code E404', 'npm error 404 not found']);
  });

  test('is nothing to another tenant', async () => {
    for (const name of TRIGGERS) {
      world.cluster.storage.create(trigger(name));
    }
    const never = await world.get('/builds/mallory/a1/x', 'mallory.ci');
    for (const secret of [
      path,
      `${path}/log`,
      '/timeline/acme/a1/b%2F1',
      '/functions/acme/a1/calls',
      '/functions/acme/a1/logs',
      '/explain?about=build&third_party_id=acme&parser_id=a1',
    ]) {
      expect((await world.get(secret, 'mallory.ci')).text).toBe(never.text);
    }
    expect((await world.get('/events', 'mallory.ci')).text).toBe('');
    expect((await world.get('/explain', 'mallory.ci')).json).toMatchObject({ healthy: true });
  });
});

test('calls that were kept, newest first, and why the last one failed', async () => {
  const answer = (n: number, data: object) =>
    record('parser.complete', data, { id: `answer-${n}`, causationid: `acme.c${n}`, correlationid: `c${n}` });
  await answer(1, { succeeded: true, result: 1 });
  await answer(2, { succeeded: false, error: { type: 'TypeError', message: 'x is no function' } });
  const { items } = schemas.pageOf(schemas.callSchema).parse((await world.get('/functions/acme/a1/calls')).json);
  expect(items.map(({ succeeded }) => succeeded).sort()).toEqual([false, true]);
  expect((await world.get('/functions/acme/a1/calls?failed=1')).json.items).toHaveLength(1);
  const why = (await world.get('/explain?about=call&third_party_id=acme&parser_id=a1&id=c2')).json;
  expect(why).toMatchObject({ healthy: false, cause: expect.stringContaining('TypeError: x is no function') });
  expect((await world.get('/explain?about=call&third_party_id=acme&parser_id=a1')).json).toEqual(why);
});

describe('a call that is kept', () => {
  const called_at = new Date(Date.now() - 5000).toISOString();
  const at = (milliseconds: number) => new Date(Date.parse(called_at) + milliseconds).toISOString();
  const keep = (callrecord: object) =>
    record(
      'parser.complete',
      { succeeded: false, error: { type: 'TypeError', message: 'x' }, duration_ms: 20 },
      { id: 'answer', causationid: 'c1', correlationid: 'c1', time: at(1003), callrecord: JSON.stringify(callrecord) },
    );
  const only = async (as = 'acme.ci') => (await world.get('/functions/acme/a1/calls', as)).json.items?.[0];

  test('shows where its time went: queue, pod, function, answer', async () => {
    await keep({ asked_at: at(-200), called_at, ms: 1000, cold: true });
    const call = schemas.callSchema.parse(await only());
    expect(call.cold).toBe(true);
    expect(call.input).toBeUndefined();
    expect(call.phases).toEqual([
      { name: 'wait', started_at: at(-200), duration_ms: 200 },
      { name: 'start', started_at: called_at, duration_ms: 980 },
      { name: 'function', started_at: at(980), duration_ms: 20 },
      { name: 'answer', started_at: at(1000), duration_ms: 3 },
    ]);
    expect(JSON.stringify((await world.get('/events')).text)).not.toContain('called_at');
  });

  test('of a sender whose clock is wrong, or silent, shows what the door knows', async () => {
    await keep({ asked_at: at(9000), called_at, ms: 10, cold: false });
    expect((await only()).phases.map(({ name }: { name: string }) => name)).toEqual(['start', 'function', 'answer']);
  });

  test('has its input for its own tenant alone', async () => {
    const inputs = createInputs(world.store, TEMPORARY);
    const input = inputs.keep(ACME, { source: 's', id: 'c1' }, { block: 7 });
    await inputs.idle();
    await keep({ called_at, ms: 10, cold: false, input });
    expect(schemas.callSchema.parse(await only()).input).toEqual({ block: 7 });
    expect(await only('mallory.ci')).toBeUndefined();
  });

  test('is shown without what is no record of a call', async () => {
    await keep({ called_at: 'yesterday', input: '../../other' });
    expect(await only()).toMatchObject({ succeeded: false });
    expect((await only()).phases).toBeUndefined();
  });
});

describe('events', () => {
  test("the last ones, a line each, of one's own", async () => {
    await record('build.start', {});
    const { text } = await world.get('/events');
    expect(schemas.eventLineSchema.parse(JSON.parse(text))).toMatchObject({ type: 'build.start', parser_id: 'a1' });
    expect((await world.get('/events?type=job.start')).text).toBe('');
  });

  test('live, and on after the last one that was seen', async () => {
    await record('build.start', {});
    const { cursor } = JSON.parse((await world.get('/events')).text);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await record('job.start', {});
    const gone = new AbortController();
    const answer = await fetch(new URL('/api/v1/events', world.running.url), {
      headers: { authorization: 'Bearer acme.ci', accept: 'text/event-stream', 'last-event-id': cursor },
      signal: gone.signal,
    });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const readUntil = async (wanted: string) => {
      while (!text.includes(wanted)) {
        text += (await reader?.read())?.value ?? '';
      }
    };
    await readUntil('job.start');
    expect(text).not.toContain('"build.start"');
    await record('lifecycle.build.started', {});
    await readUntil('lifecycle.build.started');
    expect(text.match(/^id: \d{13}-[0-9a-f]{8}\.0$/gm)).toHaveLength(2);
    gone.abort();
  });
});

describe('the log of a function', () => {
  const service = functionName(ACME);
  const pod = (name: string, restartCount = 0) => {
    const labels = { 'serving.knative.dev/service': service, 'serving.knative.dev/revision': `${service}-00001` };
    world.cluster.storage.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: FUNCTIONS_NAMESPACE, labels },
      spec: { containers: [{ name: 'user-container', image: 'i' }] },
    });
    const containerStatuses = [{ name: 'user-container', restartCount, state: { running: {} } }];
    world.cluster.storage.updateStatus(PODS, FUNCTIONS_NAMESPACE, name, { containerStatuses });
  };
  const call = '{"level":"info","msg":"hi","event":"acme.c1"}';

  test('of all pods, after a time, of one call', async () => {
    pod('one');
    pod('two');
    written = {
      one: [{ time: '2026-11-02T00:00:00.000000001Z', text: 'plain' }],
      two: [
        { time: '2026-11-02T00:00:01.5Z', text: 'seen' },
        { time: '2026-11-02T00:00:01.500000001Z', text: call },
      ],
    };
    const lines = async (query: string) =>
      (await world.get(`/functions/acme/a1/logs${query}`)).text
        .split('\n')
        .filter(Boolean)
        .map((line) => schemas.logLineSchema.parse(JSON.parse(line)));
    expect((await lines('')).map(({ text }) => text).sort()).toEqual(['plain', 'seen', call].sort());
    expect(await lines('?since=2026-11-02T00:00:01.5Z')).toMatchObject([{ text: call, call: 'acme.c1', pod: 'two' }]);
    expect((await lines('?call=c1')).map(({ text }) => text)).toEqual([call]);
    expect((await world.get('/functions/acme/a1/logs?since=yesterday')).status).toBe(400);
    expect(asked[0]).toMatchObject({ namespace: FUNCTIONS_NAMESPACE, container: 'user-container', follow: false });
  });

  test('followed: of pods that come later, and of containers that run again, nothing twice', async () => {
    pod('one');
    written = { one: [{ time: '2026-11-02T00:00:00Z', text: 'first' }] };
    const gone = new AbortController();
    const answer = await fetch(new URL('/api/v1/functions/acme/a1/logs?follow=1', world.running.url), {
      headers: { authorization: 'Bearer acme.ci' },
      signal: gone.signal,
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const readUntil = async (wanted: string) => {
      while (!text.includes(wanted)) {
        text += (await reader?.read())?.value ?? '';
      }
    };
    await readUntil('first');
    written['two'] = [{ time: '2026-11-02T00:00:01Z', text: 'second' }];
    pod('two');
    await readUntil('second');
    // The stream ended while the container runs on: a node or the API server was restarted.
    written['one'] = [
      ...(written['one'] ?? []),
      { time: '2026-11-01T23:59:59.9Z', text: 'of the other output' },
      { time: '2026-11-02T00:00:01.5Z', text: 'more' },
    ];
    await readUntil('more');
    expect(text).toContain('of the other output');
    written['one'] = [...(written['one'] ?? []), { time: '2026-11-02T00:00:02Z', text: 'again' }];
    const containerStatuses = [{ name: 'user-container', restartCount: 1, state: { running: {} } }];
    world.cluster.storage.updateStatus(PODS, FUNCTIONS_NAMESPACE, 'one', { containerStatuses });
    await readUntil('again');
    expect(text.match(/first/g)).toHaveLength(1);
    gone.abort();
  });
});
