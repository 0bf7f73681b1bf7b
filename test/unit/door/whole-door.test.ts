/** The door as a server: what it replies, and the one line that it logs of each call. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { CallResult } from '#functions/parser-events/call-function.ts';
import type { CallReport } from '#functions/parser-events/dependencies.ts';
import { createKnownFunctions } from '#functions/parser-events/find-function.ts';
import { handleParserEvent } from '#functions/parser-events/handler.ts';
import { withNumbers } from '#functions/parser-events/numbers.ts';
import { createPatience } from '#functions/parser-events/patience.ts';
import { createPlaces } from '#functions/parser-events/places.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { deriveId } from '#shared/events/event.ts';
import { parserStartSchema } from '#shared/events/parser.ts';
import { CALL_RECORD } from '#shared/events/recorded.ts';
import { createCrashes, readCrash } from '#shared/history/crashes.ts';
import { createInputs } from '#shared/history/inputs.ts';
import type { CountedCall } from '#shared/history/write-call-numbers.ts';
import { LANE } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { RECORD_ANNOTATION } from '#shared/specs/record-inputs.ts';
import { FUNCTIONS_NAMESPACE, InMemoryCluster } from '#test/fakes/cluster.ts';
import { makeReady, putFunction } from '#test/fakes/function-service.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { type Running, run } from '#test/unit/runtime/run.ts';
import { send, sendBinary } from '#test/unit/runtime/send.ts';

const ACME = { third_party_id: 'acme', parser_id: 'p1' };
const NAME = functionName(ACME);
const json = (body: string): CallResult => ({
  kind: 'answered',
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(body),
});
const BROKEN: CallResult = { kind: 'broken', began: false, detail: 'socket hang up' };

let cluster: InMemoryCluster;
let running: Running;
let answer: () => CallResult | Promise<CallResult>;
let calls: number;
let looks: number;
let reports: CallReport[];
let counted: CountedCall[];
let store: InMemoryObjectStore;
let clock: number;

beforeEach(async () => {
  cluster = new InMemoryCluster();
  answer = () => json('{"n":1}');
  calls = 0;
  looks = 0;
  reports = [];
  counted = [];
  clock = Date.now();
  const now = () => new Date(clock);
  store = new InMemoryObjectStore('tmp');
  const deps = {
    cluster: {
      getService: (name: string) => cluster.getService(name),
      listFunctionPods: (selector: string) => {
        looks += 1;
        return cluster.listFunctionPods(selector);
      },
    },
    store,
    temporaryBucket: 'tmp',
    known: createKnownFunctions(),
    callSample: 0,
    places: createPlaces({ perTenant: 4 }),
    patience: createPatience(now),
    metrics: withNumbers(
      { called: (report: CallReport) => void reports.push(report), handedOn: () => undefined },
      { count: (call) => void counted.push(call) },
    ),
    inputs: createInputs(store, 'tmp'),
    crashes: createCrashes(store, 'tmp'),
    call: async () => {
      calls += 1;
      return await answer();
    },
    now,
  };
  running = await run({
    name: 'parser-events',
    config: z.object({}),
    events: { 'parser.start': parserStartSchema, 'parser.deliver': z.unknown() },
    dependencies: () => deps,
    handle: handleParserEvent as never,
  });
  putFunction(cluster, ACME, { delivery: 'shared' });
  makeReady(cluster, ACME);
});
afterEach(() => running.close());

const start = (attributes: Record<string, string> = {}, body: unknown = { n: 1 }) =>
  sendBinary(running.url, { 'ce-type': 'parser.start', 'ce-subject': 'acme/p1', ...attributes }, body);
const deliver = (lane: string, attributes = {}) =>
  start({ 'ce-type': 'parser.deliver', [`ce-${LANE}`]: lane, ...attributes });
const linesOfEvents = () => running.lines.filter(({ event_type }) => event_type !== undefined);

describe('the reply', () => {
  test('is the parser.complete of this call, whatever ids the data has', async () => {
    const data = { third_party_id: 'other', parser_id: 'x', context_id: 12345678901234567890n };
    const body = JSON.stringify(data, (_, value) => (typeof value === 'bigint' ? 0 : value)).replace(
      '"context_id":0',
      '"context_id":12345678901234567890',
    );
    answer = () => json('{"id":9007199254740993}');
    const { headers, text } = await start({ 'ce-correlationid': 'chain-7' }, body);
    expect(headers).toMatchObject({
      'ce-type': 'parser.complete',
      'ce-id': deriveId('test', 'e1', 'parser.complete'),
      'ce-subject': 'acme/p1',
      'ce-source': 'knative-lambda/functions/acme/p1',
      'ce-correlationid': 'chain-7',
      'ce-causationid': 'e1',
    });
    expect(text).toContain('"context_id":12345678901234567890');
    expect(text).toContain('"result":{"id":9007199254740993}');
  });

  test('of a call that is handed on is the same event, byte for byte', async () => {
    answer = () => BROKEN;
    const body = ' {"id": 9007199254740993, "text":"\\u00e4"}';
    const { headers, text } = await start({ 'ce-correlationid': 'chain-7', 'ce-tenantregion': 'eu%20west' }, body);
    expect(headers).toMatchObject({
      'ce-type': 'parser.deliver',
      'ce-id': 'e1',
      'ce-source': 'test',
      'ce-subject': 'acme/p1',
      'ce-correlationid': 'chain-7',
      'ce-tenantregion': 'eu%20west',
      [`ce-${LANE}`]: 'overflow',
    });
    expect(text).toBe(body);
  });

  test('that there is no such function has the subject that was called', async () => {
    const ids = { third_party_id: 'acme', parser_id: 'p1' };
    const { headers, json: rejected } = await start({ 'ce-subject': 'acme/nobody' }, ids);
    expect(headers).toMatchObject({ 'ce-type': 'event.rejected', 'ce-subject': 'acme/nobody' });
    expect(rejected).toMatchObject({ reason: 'NoSuchFunction' });
  });

  test('does not wait for an API server that is slow or down: the overflow queue does', async () => {
    cluster.getService = () => Promise.reject(new RetryableError('Unavailable', 'down'));
    expect((await start()).headers).toMatchObject({ 'ce-type': 'parser.deliver', [`ce-${LANE}`]: 'overflow' });
    expect((await deliver('overflow')).status).toBe(503);
    cluster.getService = () => new Promise(() => undefined);
    expect((await start({ 'ce-id': 'e2' })).headers).toMatchObject({ 'ce-type': 'parser.deliver' });
    expect(calls).toBe(0);
  });
});

describe('the log', () => {
  test('is one line a call, with the caller’s correlation', async () => {
    await start({ 'ce-correlationid': 'chain-7' }, { third_party_id: 'other', n: 1 });
    expect(linesOfEvents()).toEqual([
      expect.objectContaining({
        correlationid: 'chain-7',
        third_party_id: 'acme',
        parser_id: 'p1',
        event_id: 'e1',
        outcome: 'replied',
        call: {
          outcome: 'succeeded',
          lane: 'main',
          revision: `${NAME}-00001`,
          cold: true,
          duration_ms: expect.any(Number),
        },
      }),
    ]);
    await start({ 'ce-id': 'e2' });
    expect(linesOfEvents()[1]).toMatchObject({ call: { cold: false } });
    clock += 61_000;
    await start({ 'ce-id': 'e3' });
    expect(linesOfEvents()[2]).toMatchObject({ call: { cold: true } });
  });

  test('says why a call failed, and where it was handed on', async () => {
    answer = () => ({ kind: 'too slow' });
    await start();
    answer = () => BROKEN;
    await start({ 'ce-id': 'e2' });
    await deliver('overflow', { 'ce-id': 'e3' });
    expect(linesOfEvents()).toMatchObject([
      { call: { outcome: 'failed', reason: 'Timeout', lane: 'main' } },
      { call: { outcome: 'passed' }, handed_on: { from: 'main', to: 'overflow', why: 'passed' } },
      { outcome: 'retry', call: { outcome: 'passed', lane: 'overflow' } },
    ]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['failed', 'passed', 'passed']);
  });
});

describe('a function that was killed', () => {
  function addPod(name: string, lastState: object, labels = { 'serving.knative.dev/service': NAME }) {
    const metadata = { name, namespace: FUNCTIONS_NAMESPACE, labels };
    const spec = { containers: [{ name: 'user-container', image: 'i' }] };
    cluster.storage.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    setStatus(name, lastState);
  }
  function setStatus(name: string, lastState: object) {
    const containerStatuses = [{ name: 'user-container', lastState }, { name: 'queue-proxy' }];
    cluster.storage.updateStatus('pods', FUNCTIONS_NAMESPACE, name, { containerStatuses });
  }
  const killed = (seconds: number, reason = 'OOMKilled') => ({
    terminated: { reason, finishedAt: `${new Date(clock + seconds * 1000).toISOString().slice(0, 19)}Z` },
  });

  test('for memory is told so, at once', async () => {
    addPod('pod', killed(0));
    answer = () => BROKEN;
    const { headers, json: data } = await start();
    expect(headers['ce-type']).toBe('parser.complete');
    expect(data).toMatchObject({ succeeded: false, error: { type: 'OutOfMemory' } });
    expect(data.error.message).toContain('parameters.resources.limits.memory');
    expect(linesOfEvents()[0]).toMatchObject({ call: { outcome: 'failed', reason: 'OutOfMemory' } });
    expect(looks).toBe(1);
  });

  test.each([
    { pod: 'that was there for all of its time', since: -60, outcome: 'Timeout' },
    { pod: 'that became ready in the middle', since: 60, outcome: undefined },
  ])('by the clock of the activator, with a pod $pod', async ({ since, outcome }) => {
    addPod('pod', {});
    const lastTransitionTime = `${new Date(clock + since * 1000).toISOString().slice(0, 19)}Z`;
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
    cluster.storage.updateStatus('pods', FUNCTIONS_NAMESPACE, 'pod', { conditions });
    const body = Buffer.from('activator request timeout');
    answer = () => ({ kind: 'answered', status: 504, headers: { 'content-type': 'text/plain' }, body });
    const { headers, json: data } = await start();
    expect(outcome ? data.error.type : headers['ce-type']).toBe(outcome ?? 'parser.deliver');
  });

  test('otherwise is kept with its exit code and its last words, once for all calls that it broke', async () => {
    const { terminated } = killed(0, 'Error');
    addPod('pod', { terminated: { ...terminated, exitCode: 3, message: 'leaving now\n' } });
    answer = () => BROKEN;
    const replies = await Promise.all([start(), start({ 'ce-id': 'e2' })]);
    expect(replies.map(({ headers }) => headers['ce-type'])).toEqual(['parser.deliver', 'parser.deliver']);
    expect(store.json('tmp', 'history-crashes/acme/p1.json')).toMatchObject({
      time: terminated.finishedAt.replace('Z', '.000Z'),
      call: 'e1',
      pod: 'pod',
      exit_code: 3,
      text: 'leaving now',
    });
    expect((await deliver('overflow')).text).toContain(
      "the function's process ended during the call, with exit code 3: leaving now",
    );
  });

  test('is told of the call before, where the kubelet writes it only when the call is tried again', async () => {
    addPod('pod', {});
    answer = () => BROKEN;
    await start();
    expect(store.json('tmp', 'history-crashes/acme/p1.broken.json')).toMatchObject({ call: 'e1', text: /broke/ });
    const { terminated } = killed(0, 'Error');
    setStatus('pod', { terminated: { ...terminated, exitCode: 3 } });
    clock += 20_000;
    expect((await deliver('overflow')).text).toContain(
      "the function's process ended during the call, with exit code 3",
    );
    const { time } = (await readCrash(store, 'tmp', { third_party_id: 'acme', parser_id: 'p1' })) ?? {};
    expect(time).toBe(terminated.finishedAt.replace('Z', '.000Z'));
  });

  test('is also told where the kubelet writes it a second later', async () => {
    addPod('pod', {});
    answer = () => BROKEN;
    const call = start();
    await expect.poll(() => looks).toBe(1);
    setStatus('pod', killed(0));
    expect((await call).json).toMatchObject({ error: { type: 'OutOfMemory' } });
    expect(looks).toBe(2);
  });

  test.each<[string, () => void]>([
    ['before the call', () => addPod('pod', killed(-2))],
    ['for another reason', () => addPod('pod', killed(0, 'Error'))],
    ['in another function', () => addPod('pod', killed(0), { 'serving.knative.dev/service': 'another' })],
    [
      'unseen, for the pods cannot be listed',
      () => {
        cluster.listFunctionPods = () => Promise.reject(new RetryableError('Unavailable', 'down'));
      },
    ],
  ])('%s passes', async (_, arrange) => {
    arrange();
    answer = () => BROKEN;
    expect((await start()).headers['ce-type']).toBe('parser.deliver');
  });

  test('costs the API server one look a second, however many calls break', async () => {
    answer = () => BROKEN;
    await Promise.all([1, 2, 3, 4].map((n) => start({ 'ce-id': `m${n}` })));
    expect(calls).toBe(4);
    expect(looks).toBe(2);
    await Promise.all([1, 2, 3, 4].map((n) => deliver('overflow', { 'ce-id': `o${n}` })));
    expect(calls).toBe(8);
    expect(looks).toBe(2);
  });

  test('is not looked for where the function was too slow, or has answered', async () => {
    answer = () => ({ kind: 'too slow' });
    await start();
    answer = () => ({
      kind: 'answered',
      status: 503,
      headers: { 'content-type': 'text/plain' },
      body: Buffer.from('pending request queue full'),
    });
    await start({ 'ce-id': 'e2' });
    expect(looks).toBe(0);
  });
});

test('every lane counts its calls, each once: what is handed on counts where it is answered', async () => {
  await start({ 'ce-id': 'main' });
  await deliver('own', { 'ce-id': 'own' });
  answer = () => BROKEN;
  await start({ 'ce-id': 'later' });
  answer = () => ({ kind: 'too slow' });
  await deliver('overflow', { 'ce-id': 'later' });
  expect(counted.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded', 'retried', 'Timeout']);
  expect(counted[0]).toMatchObject({ ...ACME, revision: reports[0]?.revision, cold: true });
  // Nothing was called, so nothing counts.
  await start({ 'ce-id': 'nobody', 'ce-subject': 'acme/gone' });
  expect(counted).toHaveLength(4);
});

describe('a call that is kept', () => {
  const consent = (value: string) =>
    cluster.services.change(NAME, (service) => {
      service.metadata.annotations = { ...service.metadata.annotations, [RECORD_ANNOTATION]: value };
    });
  const recordIn = (headers: Record<string, unknown>) =>
    JSON.parse(decodeURIComponent(String(headers[`ce-${CALL_RECORD}`])));
  const inputs = () => store.keys('tmp').filter((key) => key.startsWith('history-inputs/'));
  const data = { user: 'ada', password: 'x1', nested: [{ apiKey: 'x2', url: 'https://me:x3@host/' }] };

  test('says where its time went; what it was called with is kept by nobody', async () => {
    answer = () => {
      clock += 70;
      return { kind: 'too slow' };
    };
    const time = new Date(clock - 500).toISOString();
    const called = new Date(clock).toISOString();
    // What a client says of it counts for nothing.
    const { headers } = await start({ 'ce-time': time, [`ce-${CALL_RECORD}`]: '{"input":"x"}' }, data);
    expect(recordIn(headers)).toEqual({ asked_at: time, called_at: called, ms: 70, cold: true });
    consent('yes');
    clock += 10_000;
    await start({ 'ce-id': 'e2' }, data);
    expect(inputs()).toEqual([]);
  });

  test('has the stack that the adapter tells, which whoever gets the answer does not get', async () => {
    answer = () => ({
      kind: 'answered',
      status: 200,
      headers: {
        'ce-type': 'parser.complete',
        'ce-specversion': '1.0',
        'content-type': 'application/json',
        'x-function-stack': 'Error:%20out%0A%20%20at%20deep%20(parser.mjs:2:1)',
      },
      body: Buffer.from('{"succeeded":false,"error":{"type":"Error","message":"out"}}'),
    });
    const { headers, text } = await start();
    expect(recordIn(headers)).toMatchObject({ stack: 'Error: out\n  at deep (parser.mjs:2:1)' });
    expect(text).not.toContain('deep');
  });

  test('keeps its input where the function consents, without what looks like a secret', async () => {
    answer = () => ({ kind: 'too slow' });
    consent('true');
    const { headers, text } = await start({}, data);
    const { input } = recordIn(headers);
    expect(inputs()).toEqual([`history-inputs/acme/p1/${input}.json`]);
    expect(store.json('tmp', inputs()[0] ?? '')).toEqual({
      data: { user: 'ada', password: '***', nested: [{ apiKey: '***', url: 'https://***@host/' }] },
    });
    // Whoever gets the answer does not get the question.
    expect(text).not.toContain('ada');
    // One that succeeds is not kept, and neither is its input.
    answer = () => json('{}');
    await start({ 'ce-id': 'e2' }, data);
    expect(inputs()).toHaveLength(1);
    // Of a large one 16 KiB are kept at most; the call is as fast as ever where S3 takes nothing.
    answer = () => ({ kind: 'too slow' });
    await start({ 'ce-id': 'e3' }, { text: Array.from({ length: 500 }, () => 'x'.repeat(1000)) });
    expect(inputs().map((key) => (store.peek('tmp', key)?.length ?? 0) < 17_000)).toEqual([true, true]);
    store.write = () => new Promise(() => {});
    expect((await start({ 'ce-id': 'e4' }, data)).headers['ce-type']).toBe('parser.complete');
  });
});

test('a call whose dispatcher has gone while it waited for a place is not made', async () => {
  const { promise, resolve } = Promise.withResolvers<CallResult>();
  answer = () => promise;
  const held = [1, 2, 3, 4].map((n) => deliver('overflow', { 'ce-id': `h${n}` }));
  await expect.poll(() => calls).toBe(4);
  const gone = new AbortController();
  const waiting = fetch(running.url, {
    method: 'POST',
    headers: {
      'ce-specversion': '1.0',
      'ce-id': 'gone',
      'ce-source': 'test',
      'ce-type': 'parser.deliver',
      'ce-subject': 'acme/p1',
      [`ce-${LANE}`]: 'overflow',
    },
    signal: gone.signal,
  }).catch(() => 'gone');
  await new Promise((settle) => setTimeout(settle, 300));
  gone.abort();
  expect(await waiting).toBe('gone');
  // Until the door's side of the connection knows.
  await new Promise((settle) => setTimeout(settle, 1000));
  resolve(json('1'));
  await Promise.all(held);
  await expect.poll(() => linesOfEvents().some(({ event_id }) => event_id === 'gone')).toBe(true);
  expect(calls).toBe(4);
  expect((await deliver('overflow', { 'ce-id': 'next' })).headers['ce-type']).toBe('parser.complete');
});

test('a function that always answers 404 does not cost the API server a request a call', async () => {
  answer = () => ({ kind: 'answered', status: 404, headers: {}, body: Buffer.from('no') });
  let asked = 0;
  const getService = cluster.getService.bind(cluster);
  cluster.getService = (name) => {
    asked += 1;
    return getService(name);
  };
  for (let n = 0; n < 20; n += 1) {
    expect((await start({ 'ce-id': `n${n}` })).json).toMatchObject({ error: { type: 'BadReply' } });
  }
  expect(asked).toBe(1);
  clock += 1000;
  cluster.services.delete(NAME);
  expect((await start({ 'ce-id': 'last' })).headers['ce-type']).toBe('event.rejected');
});

test.each([
  { case: 'an ingress', body: '' },
  { case: 'the laptop', body: 'there is no Service "f" in namespace "functions" (kubectl get ksvc -n functions)\n' },
])('a function that was deleted right after it was looked up is not what $case answers for it', async ({ body }) => {
  answer = () => {
    cluster.services.delete(NAME);
    return { kind: 'answered', status: 404, headers: {}, body: Buffer.from(body) };
  };
  expect((await start()).json).toMatchObject({ reason: 'NoSuchFunction' });
});

test('a 404 of an ingress that has not heard of a ready function yet is nobody’s answer', async () => {
  const unrouted: CallResult = {
    kind: 'answered',
    status: 404,
    headers: {},
    body: Buffer.from('404 page not found\n'),
  };
  const lastTransitionTime = new Date(clock - 50_000).toISOString();
  cluster.services.change(NAME, (service) => {
    service['status'].conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
  });
  answer = () => unrouted;
  expect((await start({ 'ce-id': 'early' })).headers).toMatchObject({ 'ce-type': 'parser.deliver' });
  expect((await deliver('overflow', { 'ce-id': 'again' })).status).toBe(503);
  answer = () => ({ ...unrouted, body: Buffer.from('no such page here') });
  expect((await start({ 'ce-id': 'own' })).json).toMatchObject({ error: { type: 'BadReply' } });
  answer = () => json('{"n":1}');
  expect((await deliver('overflow', { 'ce-id': 'again' })).json).toMatchObject({ succeeded: true });
  answer = () => unrouted;
  expect((await start({ 'ce-id': 'answered-before' })).json).toMatchObject({ error: { type: 'BadReply' } });
});

test('a function that answers 404 a minute after it became ready means it', async () => {
  const lastTransitionTime = new Date(clock - 61_000).toISOString();
  cluster.services.change(NAME, (service) => {
    service['status'].conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
  });
  answer = () => ({ kind: 'answered', status: 404, headers: {}, body: Buffer.from('404 page not found\n') });
  expect((await start()).json).toMatchObject({ error: { type: 'BadReply' } });
});

test('a 404 is nobody’s answer yet where Kubernetes does not say whether the function is there', async () => {
  answer = () => {
    // What is known of it is too old then.
    clock += 11 * 60_000;
    cluster.getService = () => new Promise(() => undefined);
    return { kind: 'answered', status: 404, headers: {}, body: Buffer.alloc(0) };
  };
  expect((await start()).headers).toMatchObject({ 'ce-type': 'parser.deliver', [`ce-${LANE}`]: 'overflow' });
});

test('in structured mode the door does the same', async () => {
  const event = {
    specversion: '1.0',
    id: 's1',
    source: 'test',
    type: 'parser.start',
    subject: 'acme/p1',
    data: { n: 1 },
  };
  const headers = { 'content-type': 'application/cloudevents+json' };
  const reply = await send(running.url, { headers, body: JSON.stringify(event) });
  expect(reply.headers['ce-type']).toBe('parser.complete');
  answer = () => BROKEN;
  const handedOn = await send(running.url, { headers, body: JSON.stringify({ ...event, id: 's2' }) });
  expect(handedOn.headers).toMatchObject({ 'ce-type': 'parser.deliver', 'ce-id': 's2' });
  expect(handedOn.json).toEqual({ n: 1 });
});
