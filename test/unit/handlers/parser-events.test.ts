/** The door: whom a call reaches, which queue it goes through, and what its caller is told. */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { CallResult, OutgoingCall } from '#functions/parser-events/call-function.ts';
import { createKnownFunctions } from '#functions/parser-events/find-function.ts';
import { handleParserEvent } from '#functions/parser-events/handler.ts';
import { createPatience } from '#functions/parser-events/patience.ts';
import { createPlaces } from '#functions/parser-events/places.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { causedBy, deriveId } from '#shared/events/event.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { LANE } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { InMemoryCluster } from '#test/fakes/cluster.ts';
import { makeReady, putFunction } from '#test/fakes/function-service.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { received } from '#test/fakes/received.ts';

const ACME = { third_party_id: 'acme', parser_id: 'p1' };
const NAME = functionName(ACME);
const BUCKET = 'tmp';

const OK: CallResult = {
  kind: 'answered',
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{"n":1}'),
};
const REFUSED: CallResult = { kind: 'broken', began: false, detail: 'connect ECONNREFUSED' };

class Door {
  readonly cluster = new InMemoryCluster();
  readonly store = new InMemoryObjectStore(BUCKET);
  readonly calls: { url: string; call: OutgoingCall; milliseconds: number }[] = [];
  readonly known = createKnownFunctions();
  clock = Date.parse('2026-01-02T12:00:00Z');
  answer: CallResult | (() => Promise<CallResult>) = OK;
  readonly places = createPlaces({ perTenant: 2 });
  readonly patience = createPatience(
    () => new Date(this.clock),
    async () => this.onPause(),
  );
  onPause = () => {};

  deploy(delivery: string | undefined, { ready = true, timeoutSeconds = 30 } = {}): this {
    putFunction(this.cluster, ACME, { delivery, timeoutSeconds });
    if (ready) {
      this.becomesReady();
      return this;
    }
    this.cluster.services.change(NAME, (service) => {
      service['status'] = { conditions: [{ type: 'Ready', status: 'Unknown', message: 'the image is pulled' }] };
    });
    return this;
  }

  becomesReady(): void {
    makeReady(this.cluster, ACME);
  }

  async handle(event: ReturnType<typeof received>) {
    const { headers, body } = writeBinary(event.original);
    const request = { method: 'POST', path: '/', headers, repeated: [], body: Buffer.from(body), size: body.length };
    const deps = {
      cluster: this.cluster,
      store: this.store,
      temporaryBucket: BUCKET,
      known: this.known,
      callSample: 0,
      places: this.places,
      patience: this.patience,
      now: () => new Date(this.clock),
      metrics: { called: () => undefined, handedOn: () => undefined },
      inputs: { keep: () => undefined },
      crashes: { keep: async () => undefined },
      call: async (url: string, call: OutgoingCall, { milliseconds }: { milliseconds: number }) => {
        this.calls.push({ url, call, milliseconds });
        return typeof this.answer === 'function' ? await this.answer() : this.answer;
      },
    };
    const context = { log: pino({ level: 'silent' }), note: () => undefined, request };
    return await handleParserEvent(event as never, deps, context);
  }
}

const start = (data: unknown = { n: 1 }, attributes: object = {}) =>
  received('parser.start', data, { subject: 'acme/p1', ...attributes });
const deliver = (lane: string, data: unknown = { n: 1 }) =>
  received('parser.deliver', data, { subject: 'acme/p1', [LANE]: lane });

describe('a call of a function that is ready', () => {
  test('is made with the bytes that came, and answered in the function’s name', async () => {
    const door = new Door().deploy('shared');
    const event = start({ n: 1, context_id: 'c1' }, { tenantregion: 'eu' });
    const reply = await door.handle(event);

    const [made] = door.calls;
    expect(made?.url).toBe(`http://${NAME}.functions.svc`);
    expect(made?.milliseconds).toBe(35_000);
    expect(made?.call.body.toString()).toBe('{"n":1,"context_id":"c1"}');
    expect(made?.call.headers).toMatchObject({
      'ce-type': 'parser.start',
      'ce-id': 'event-1',
      'ce-subject': 'acme/p1',
      'ce-correlationid': 'correlation-1',
      'ce-tenantregion': 'eu',
    });
    expect(reply).toMatchObject({
      type: 'parser.complete',
      source: 'knative-lambda/functions/acme/p1',
      subject: 'acme/p1',
      data: { context_id: 'c1', succeeded: true, result: { n: 1 } },
    });
    expect(reply && causedBy(event, reply).id).toBe(deriveId('test', 'event-1', 'parser.complete'));
  });

  test.each([
    { by: 'ids in data', data: { third_party_id: 'acme', parser_id: 'p1' }, attributes: { subject: undefined } },
    { by: 'ids in data and an unrelated subject', data: { ...ACME }, attributes: { subject: 'anything' } },
    { by: 'source and subject', data: {}, attributes: { source: 'network.notifi.acme', subject: 'p1' } },
    { by: 'a subject, whatever ids its own data has', data: { third_party_id: 'other' }, attributes: {} },
  ])('is found by $by', async ({ data, attributes }) => {
    const door = new Door().deploy('shared');
    const reply = await door.handle(start(data, attributes));
    expect(reply).toMatchObject({ type: 'parser.complete', subject: 'acme/p1' });
    expect(door.calls[0]?.call.headers['ce-subject']).toBe('acme/p1');
  });

  test('costs a request to the API server only once in five seconds', async () => {
    const door = new Door().deploy('shared');
    await Promise.all([door.handle(start()), door.handle(start())]);
    door.cluster.services.delete(NAME);
    expect(await door.handle(start())).toMatchObject({ type: 'parser.complete' });
    door.clock += 6000;
    expect(await door.handle(start())).toMatchObject({ type: 'event.rejected', data: { reason: 'NoSuchFunction' } });
  });
});

describe('what passes', () => {
  test('is handed on at once, so that its retries hold no place of the others', async () => {
    const door = new Door().deploy('shared');
    door.answer = REFUSED;
    const event = start({ n: 1 }, { causationid: 'before' });
    const reply = await door.handle(event);
    expect(reply).toMatchObject({ type: 'parser.deliver', id: 'event-1', source: 'test', subject: 'acme/p1' });
    expect(reply?.extensions?.[LANE]).toBe('overflow');
    expect(String(reply?.data)).toBe('{"n":1}');
    expect(reply && causedBy(event, reply)).toMatchObject({ causationid: 'before', time: event.time });
  });

  test('is tried again by the Broker on the other lanes', async () => {
    const door = new Door().deploy('shared');
    door.answer = REFUSED;
    await expect(door.handle(deliver('overflow'))).rejects.toThrow(RetryableError);
    await expect(door.handle(deliver('own'))).rejects.toThrow('ECONNREFUSED');
    door.answer = OK;
    expect(await door.handle(deliver('overflow'))).toMatchObject({ type: 'parser.complete' });
    expect(door.calls.at(-1)?.call.headers).not.toHaveProperty(`ce-${LANE}`);
  });
});

describe('a function', () => {
  test('with a queue of its own gets its calls through that', async () => {
    const door = new Door().deploy('own');
    const reply = await door.handle(start());
    expect(reply).toMatchObject({ type: 'parser.deliver', id: 'event-1', extensions: { [LANE]: 'own' } });
    expect(door.calls).toEqual([]);
    expect(await door.handle(deliver('own'))).toMatchObject({ type: 'parser.complete' });
  });

  test('of an older installation is left to its own Trigger', async () => {
    const door = new Door().deploy(undefined);
    expect(await door.handle(start())).toBeUndefined();
    expect(door.calls).toEqual([]);
  });

  test('that is not ready yet is waited for, and its call is rejected by name at the last try', async () => {
    const door = new Door().deploy('shared', { ready: false });
    expect(await door.handle(start())).toMatchObject({ type: 'parser.deliver', extensions: { [LANE]: 'overflow' } });
    await expect(door.handle(deliver('overflow'))).rejects.toThrow('the image is pulled');
    door.clock += 62_000;
    const last = await door.handle(deliver('overflow'));
    expect(last).toMatchObject({ type: 'event.rejected', data: { reason: 'FunctionNotReady' } });
    expect(last?.data).toMatchObject({ event: { type: 'parser.start', id: 'event-1' } });
    expect(JSON.stringify(last?.data)).not.toContain(LANE);
  });

  test('that becomes ready while a call waits is called at once', async () => {
    const door = new Door().deploy('shared', { ready: false });
    let looks = 0;
    door.onPause = () => {
      looks += 1;
      if (looks === 3) {
        door.becomesReady();
      }
    };
    expect(await door.handle(deliver('overflow'))).toMatchObject({ type: 'parser.complete' });
    expect(looks).toBe(3);
  });

  test('that is being built is waited for', async () => {
    const door = new Door();
    door.store.date = new Date(door.clock);
    door.store.put(BUCKET, 'requests/acme/p1/0123456789abcdef0123456789abcdef.json', '{}');
    await expect(door.handle(deliver('overflow'))).rejects.toThrow('being built');
  });

  test('that was deleted is told with the time', async () => {
    const door = new Door();
    const tombstone = { event_id: 'e', time: '2026-01-02T11:00:00.000Z', deleted: [], contexts: [] };
    door.store.put(BUCKET, 'tombstones/acme/p1.json', JSON.stringify(tombstone));
    const reply = await door.handle(start());
    expect(reply).toMatchObject({ type: 'event.rejected', data: { reason: 'NoSuchFunction' } });
    expect(JSON.stringify(reply?.data)).toContain('2026-01-02T11:00:00.000Z');
  });

  test('that nobody knows is told with the nearest name of the same tenant', async () => {
    const door = new Door();
    door.store.put(BUCKET, 'logs/acme/p12/build-p12-1.log', '').put(BUCKET, 'logs/other/p1x/build.log', '');
    const reply = await door.handle(start());
    expect(reply).toMatchObject({ type: 'event.rejected', data: { reason: 'NoSuchFunction' } });
    expect(JSON.stringify(reply?.data)).toContain('Did you mean \\"acme/p12\\"?');
  });
});

test('a tenant holds its share of places, and what is over it goes through the overflow queue', async () => {
  const door = new Door().deploy('shared');
  const { promise, resolve } = Promise.withResolvers<CallResult>();
  door.answer = () => promise;
  const held = [door.handle(start()), door.handle(start())];
  await expect.poll(() => door.calls.length).toBe(2);
  expect(await door.handle(start())).toMatchObject({ type: 'parser.deliver', extensions: { [LANE]: 'overflow' } });
  resolve(OK);
  await Promise.all(held);
  expect(await door.handle(start())).toMatchObject({ type: 'parser.complete' });
});

test('a call without a function is rejected with every problem', async () => {
  const reply = await new Door().handle(start({ third_party_id: 'a b' }, { subject: 'x' }));
  expect(reply).toMatchObject({ type: 'event.rejected', data: { reason: 'InvalidEvent' } });
});

test('what a function of an older installation answers is acknowledged', async () => {
  expect(await new Door().handle(received('parser.complete', { succeeded: true }))).toBeUndefined();
});

test('a 404 is the function’s own only where Kubernetes says that the function is there', async () => {
  const door = new Door().deploy('shared');
  await door.handle(start());
  door.answer = { kind: 'answered', status: 404, headers: {}, body: Buffer.alloc(0) };
  const getService = door.cluster.getService.bind(door.cluster);
  door.cluster.getService = () => Promise.reject(new RetryableError('Unavailable', 'the API server is down'));
  door.clock += 60_000;
  expect(await door.handle(start())).toMatchObject({ type: 'parser.deliver', extensions: { [LANE]: 'overflow' } });
  await expect(door.handle(deliver('overflow'))).rejects.toThrow('whether the function is still there');

  door.cluster.getService = getService;
  expect(await door.handle(start())).toMatchObject({ type: 'parser.complete', data: { error: { type: 'BadReply' } } });
});

describe('a time limit that has just been changed', () => {
  const GATEWAY_TIMEOUT: CallResult = {
    kind: 'answered',
    status: 504,
    headers: {},
    body: Buffer.from('request timeout\n'),
  };
  const change = (door: Door, timeoutSeconds: number) =>
    door.cluster.services.change(NAME, (service) => {
      (service['spec'] as { template: { spec: { timeoutSeconds: number } } }).template.spec.timeoutSeconds =
        timeoutSeconds;
    });
  /** Known with `before`, then changed to `after`; the next call ends after `took` seconds. */
  const changed = async (before: number, after: number, took: number, result: CallResult = GATEWAY_TIMEOUT) => {
    const door = new Door().deploy('shared', { timeoutSeconds: before });
    await door.handle(start());
    change(door, after);
    door.answer = async () => {
      door.clock += took * 1000;
      return result;
    };
    return door;
  };

  test.each([
    { case: 'shorter', before: 10, after: 2, took: 2.05, told: 2 },
    { case: 'shorter, and its pod had to start', before: 10, after: 2, took: 4.2, told: 2 },
    { case: 'longer, and the version before still served', before: 2, after: 10, took: 2.05, told: 2 },
    { case: 'longer, and known before the version that has it serves', before: 10, after: 10, took: 2.05, told: 2 },
    { case: 'the same', before: 10, after: 10, took: 10.02, told: 10 },
  ])('is told as it was applied: $case', async ({ before, after, took, told }) => {
    const door = await changed(before, after, took);
    expect(await door.handle(start())).toMatchObject({
      type: 'parser.complete',
      data: { error: { type: 'Timeout', message: expect.stringContaining(`within its ${told} s. Make it faster`) } },
    });
  });

  test('is no reason to end a call that may take longer now', async () => {
    const door = await changed(2, 30, 7, { kind: 'too slow' });
    expect(await door.handle(start())).toMatchObject({ type: 'parser.deliver', extensions: { [LANE]: 'overflow' } });
    door.answer = OK;
    expect(await door.handle(deliver('overflow'))).toMatchObject({
      type: 'parser.complete',
      data: { succeeded: true },
    });
    expect(door.calls.at(-1)?.milliseconds).toBe(35_000);
  });

  test('is a timeout where Kubernetes does not say what it is now', async () => {
    const door = await changed(2, 2, 7, { kind: 'too slow' });
    door.cluster.getService = () => Promise.reject(new RetryableError('Unavailable', 'the API server is down'));
    expect(await door.handle(start())).toMatchObject({ data: { error: { type: 'Timeout' } } });
  });
});
