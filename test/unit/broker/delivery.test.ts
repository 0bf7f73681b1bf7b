/** From the queue to the subscriber: attempts, replies, dead letters, crashes. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { DeliverySpec } from '#shared/manifests/delivery-settings.ts';
import {
  type Answering,
  brokerObject,
  isReady,
  post,
  type Response,
  startSubscriber,
  startWorld,
  triggerObject,
  until,
  type World,
  type WorldOptions,
} from './world.ts';

let world: World;
async function start(options?: WorldOptions): Promise<World> {
  world = await startWorld(options);
  return world;
}
afterEach(() => world.close());

const deliveries = () => world.tap.filter((entry) => entry.kind === 'delivered');
const fates = () => world.tap.filter((entry) => entry.kind === 'dead-lettered' || entry.kind === 'dropped');
const reply = (attributes: Record<string, string>, status = 200, body = '{}'): Response => ({
  status,
  headers: {
    'content-type': 'application/json',
    ...Object.fromEntries(
      Object.entries({ specversion: '1.0', id: 'r', source: 'fn', type: 'reply', ...attributes }).map(
        ([name, value]) => [`ce-${name}`, value],
      ),
    ),
  },
  body,
});

const SERVICE = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'fn' };

/** The Service of that name, at the address. */
function addService(url: string): void {
  const { apiVersion, kind, name } = SERVICE;
  const spec = { template: { spec: { containers: [{ image: 'i' }] } } };
  world.storage.create({ apiVersion, kind, metadata: { name, namespace: 'ns' }, spec });
  world.storage.updateStatus('services.serving.knative.dev', 'ns', name, { address: { url } });
}

describe('attempts', () => {
  test.each([200, 202, 204, 302, 400, 401, 403, 410, 413, 422])(
    'a %d is success: one attempt, and gone',
    async (status) => {
      await start();
      const subscriber = await world.subscriber(() => ({ status }));
      await world.trigger('t', subscriber.url);

      await world.send({});
      await until(() => deliveries().length === 1);
      await wait(20);

      expect(subscriber.received).toHaveLength(1);
      expect([fates(), world.slept]).toEqual([[], []]);
    },
  );

  test.each([404, 408, 409, 429, 500, 503, 599])(
    'a %d is retried, after 2 and 4 s with backoffDelay PT1S',
    async (status) => {
      await start();
      const subscriber = await world.subscriber(() => ({ status, headers: { 'retry-after': '1' } }));
      await world.trigger('t', subscriber.url, { delivery: { retry: 2, backoffDelay: 'PT1S' } });

      await world.send({});
      await until(() => fates().length === 1);

      expect(subscriber.received).toHaveLength(3);
      expect(deliveries().map((entry) => entry.attempt)).toEqual([1, 2, 3]);
      expect(world.slept).toEqual([2000, 4000]);
      expect(fates()).toMatchObject([{ kind: 'dropped', trigger: 'ns/t', status }]);
    },
  );

  test('no answer is retried and reported as -1', async () => {
    await start();
    const subscriber = await world.subscriber(() => undefined);
    await world.trigger('t', subscriber.url, { delivery: { retry: 1, backoffPolicy: 'linear', backoffDelay: 'PT3S' } });

    await world.send({});
    await until(() => fates().length === 1);

    expect(world.slept).toEqual([3000]);
    expect(fates()).toMatchObject([{ status: -1 }]);
  });

  test('delivery.timeout holds for one attempt', async () => {
    await start();
    const subscriber = await world.subscriber(async (_, count) => {
      await wait(count === 1 ? 1000 : 0);
      return { status: 200 };
    });
    await world.trigger('t', subscriber.url, { delivery: { retry: 1, backoffDelay: 'PT1S', timeout: 'PT0.2S' } });

    await world.send({});
    await until(() => deliveries().length === 2);

    expect(deliveries().map((entry) => entry.status)).toEqual([-1, 200]);
  });

  test('a subscriber is asked by way of its address, under its own name', async () => {
    await start();
    const subscriber = await world.subscriber();
    const subscriberRef = { ref: SERVICE, uri: '/path?x=1' };
    world.storage.create({ ...triggerObject('t', ''), spec: { broker: 'default', subscriber: subscriberRef } });
    addService(subscriber.url);
    await until(() => isReady(world.storage, 'triggers.eventing.knative.dev', 't'));

    await world.send({ id: 'x' });
    await until(() => subscriber.received.length === 1);

    expect(subscriber.received[0]?.headers).toMatchObject({ 'ce-id': 'x', host: new URL(subscriber.url).host });
    expect(world.storage.get('triggers.eventing.knative.dev', 'ns', 't')?.['status'].subscriberUri).toBe(
      `${subscriber.url}/path?x=1`,
    );
  });
});

describe('parallelism', () => {
  test.each([
    { parallelism: undefined, most: 1 },
    { parallelism: 3, most: 3 },
  ])('$parallelism: at most $most at once, in order of arrival', async ({ parallelism, most }) => {
    await start();
    let running = 0;
    let peak = 0;
    const subscriber = await world.subscriber(async () => {
      peak = Math.max(peak, ++running);
      await wait(200);
      running--;
      return { status: 200 };
    });
    await world.trigger('t', subscriber.url, parallelism ? { parallelism } : {});

    for (let id = 0; id < 9; id++) {
      await world.send({ id: String(id) });
    }
    await until(() => deliveries().length === 9);

    expect(peak).toBe(most);
    if (most === 1) {
      expect(subscriber.received.map(({ headers }) => headers['ce-id'])).toEqual([
        '0',
        '1',
        '2',
        '3',
        '4',
        '5',
        '6',
        '7',
        '8',
      ]);
    }
  });

  test('an event that waits for its retry holds its worker, not the others', async () => {
    await start({ sleep: (_, signal) => wait(60_000, undefined, { signal }) });
    const subscriber = await world.subscriber(({ headers }) => ({ status: headers['ce-id'] === 'bad' ? 500 : 200 }));
    await world.trigger('t', subscriber.url, { parallelism: 2 });

    await world.send({ id: 'bad' });
    await world.send({ id: 'good' });
    await until(() => deliveries().length === 2);

    expect(
      deliveries()
        .map((entry) => entry.event.attributes['id'])
        .sort(),
    ).toEqual(['bad', 'good']);
  });
});

describe('replies', () => {
  test('an event in the answer goes to the ingress, whatever success status carries it', async () => {
    await start();
    const replying = await world.subscriber(({ headers }) =>
      reply({ type: 'second' }, headers['ce-id'] === '400' ? 400 : 200, '{"n":1}'),
    );
    const second = await world.subscriber();
    await world.trigger('first', replying.url, { filter: { type: 'first' } });
    await world.trigger('second', second.url, { filter: { type: 'second' } });

    await world.send({ type: 'first', id: '200' });
    await world.send({ type: 'first', id: '400' });
    await until(() => second.received.length === 2);

    expect(second.received[0]).toMatchObject({ headers: { 'ce-id': 'r', 'ce-source': 'fn' }, body: '{"n":1}' });
    expect(deliveries()[0]).toMatchObject({ reply: { attributes: { type: 'second' } } });
  });

  test('a structured event in the answer does too', async () => {
    await start();
    const body = JSON.stringify({ specversion: '1.0', id: 'r', source: 'fn', type: 'second', data: { n: 1 } });
    const replying = await world.subscriber(() => ({
      status: 200,
      headers: { 'content-type': 'application/cloudevents+json' },
      body,
    }));
    const second = await world.subscriber();
    await world.trigger('first', replying.url, { filter: { type: 'first' } });
    await world.trigger('second', second.url, { filter: { type: 'second' } });

    await world.send({ type: 'first' });
    await until(() => second.received.length === 1);

    expect(second.received[0]?.body).toBe('{"n":1}');
  });

  test('an answer that is no event is ignored', async () => {
    await start();
    const subscriber = await world.subscriber(() => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"type":"x"}',
    }));
    await world.trigger('t', subscriber.url);

    await world.send({});
    await until(() => deliveries().length === 1);

    expect(world.tap.filter(({ kind }) => kind === 'published')).toHaveLength(1);
  });

  test('a reply that cannot be published makes a dead letter of the original, under the status it came with', async () => {
    const sink = await startSink();
    const replying = await world.subscriber(() => reply({ id: '' }));
    await world.trigger('t', replying.url, { filter: { type: 'first' } });

    await world.send({ type: 'first', id: 'original' });
    await until(() => sink.received.length === 1);

    expect(sink.received[0]?.headers).toMatchObject({
      'ce-id': 'original',
      'ce-knativeerrorcode': '200',
      'ce-knativeerrordest': replying.url,
    });
  });
});

/** A world whose Broker has a deadLetterSink. */
async function startSink(
  answer: Answering = () => ({ status: 200 }),
  delivery: DeliverySpec = { retry: 1, backoffDelay: 'PT1S' },
  options: WorldOptions = {},
) {
  const { close, ...sink } = await startSubscriber(answer);
  await start({ ...options, delivery: { ...delivery, deadLetterSink: { uri: sink.url } } });
  const closeWorld = world.close;
  world = {
    ...world,
    close: async () => {
      await closeWorld();
      await close();
    },
  };
  return sink;
}

describe('dead letters', () => {
  test("of a Trigger without delivery go to the Broker's sink, with what failed and where, and nothing else", async () => {
    const sink = await startSink();
    const failing = await world.subscriber(() => ({ status: 503, body: 'why' }));
    await world.trigger('t', failing.url, { filter: { type: 'test' } });

    await world.send({ id: 'x', ext: 'kept' }, '{"a":1}');
    await until(() => sink.received.length === 1);

    const { headers, body } = sink.received[0] ?? { headers: {}, body: '' };
    expect(body).toBe('{"a":1}');
    expect(
      Object.keys(headers)
        .filter((name) => name.startsWith('ce-'))
        .sort(),
    ).toEqual(
      [
        'ce-ext',
        'ce-id',
        'ce-knativeerrorcode',
        'ce-knativeerrordest',
        'ce-source',
        'ce-specversion',
        'ce-time',
        'ce-type',
      ].sort(),
    );
    expect(headers).toMatchObject({
      'ce-knativeerrorcode': '503',
      'ce-knativeerrordest': failing.url,
      'ce-ext': 'kept',
    });
    expect(failing.received).toHaveLength(2);
  });

  test('of a subscriber that gives no answer have the code -1', async () => {
    const sink = await startSink();
    await world.trigger('t', 'http://127.0.0.1:1');

    await world.send({});
    await until(() => sink.received.length === 1);

    expect(sink.received[0]?.headers['ce-knativeerrorcode']).toBe('-1');
  });

  test('of a Trigger with a delivery but no sink of its own do not exist: dropped, whatever the Broker has', async () => {
    const sink = await startSink();
    const failing = await world.subscriber(() => ({ status: 500 }));
    await world.trigger('t', failing.url, { delivery: { retry: 1, backoffDelay: 'PT1S' } });

    await world.send({});
    await until(() => fates().length === 1);
    await wait(20);

    expect([fates()[0]?.kind, sink.received]).toEqual(['dropped', []]);
  });

  test("of a Trigger with a sink of its own go there, and not to the Broker's", async () => {
    const brokerSink = await startSink();
    const own = await world.subscriber();
    const failing = await world.subscriber(() => ({ status: 500 }));
    await world.trigger('t', failing.url, { delivery: { retry: 0, deadLetterSink: { uri: own.url } } });

    await world.send({});
    await until(() => own.received.length === 1);

    expect(brokerSink.received).toEqual([]);
  });

  test('are themselves retried, and then dropped', async () => {
    const sink = await startSink(() => ({ status: 500 }));
    await world.trigger('t', 'http://127.0.0.1:1');

    await world.send({});
    await until(() => fates().length === 2);
    await wait(20);

    expect(fates()).toMatchObject([
      { kind: 'dead-lettered', trigger: 'ns/t' },
      { kind: 'dropped', trigger: 'ns/default' },
    ]);
    expect(sink.received).toHaveLength(2);
  });

  test('of a Broker have no time-out, whatever its delivery says', async () => {
    const sink = await startSink(() => wait(400).then(() => ({ status: 200 })), { retry: 0, timeout: 'PT0.2S' });
    await world.trigger('t', 'http://127.0.0.1:1');

    await world.send({});
    await until(() => deliveries().some((entry) => entry.deadLetter));

    expect([deliveries().at(-1)?.status, sink.received.length]).toEqual([200, 1]);
  });

  test('a reply of the sink is published', async () => {
    await startSink(() => reply({ type: 'kept' }));
    const kept = await world.subscriber();
    await world.trigger('bad', 'http://127.0.0.1:1', { filter: { type: 'test' } });
    await world.trigger('kept', kept.url, { filter: { type: 'kept' } });

    await world.send({});
    await until(() => kept.received.length === 1);
  });

  test('without a sink anywhere, do not exist: dropped', async () => {
    await start({ delivery: { retry: 0 } });
    const subscriber = await world.subscriber(() => ({ status: 500 }));
    await world.trigger('t', subscriber.url);

    await world.send({});
    await until(() => fates().length === 1);

    expect(fates()).toMatchObject([{ kind: 'dropped' }]);
  });
});

describe('a dispatcher that is restarted', () => {
  const holding = { sleep: (_: number, signal: AbortSignal) => wait(60_000, undefined, { signal }) };

  test('delivers again what it had not acknowledged, counting from one', async () => {
    await start(holding);
    const subscriber = await world.subscriber(({ headers }, count) => ({
      status: headers['ce-id'] === '0' && count === 1 ? 500 : 200,
    }));
    await world.trigger('t', subscriber.url);
    await world.send({ id: '0' });
    await world.send({ id: '1' });
    await until(() => deliveries().length === 1);

    await world.broker.restartDispatcher('ns/t');
    await until(() => deliveries().length === 3);

    expect(deliveries().map(({ event, attempt, status }) => [event.attributes['id'], attempt, status])).toEqual([
      ['0', 1, 500],
      ['0', 1, 200],
      ['1', 1, 200],
    ]);
  });

  test('or dead-letters what was in flight with -1, untried', async () => {
    const sink = await startSink(undefined, undefined, holding);
    const subscriber = await world.subscriber(async (_, count) => {
      await wait(count === 1 ? 5000 : 0);
      return { status: 200 };
    });
    await world.trigger('t', subscriber.url);
    await world.send({ id: '0' });
    await world.send({ id: '1' });
    await until(() => subscriber.received.length === 1);

    await world.broker.restartDispatcher('ns/t', 'dead-letter');
    await until(() => sink.received.length === 1 && subscriber.received.length === 2);

    expect(sink.received[0]?.headers).toMatchObject({ 'ce-id': '0', 'ce-knativeerrorcode': '-1' });
    expect(subscriber.received[1]?.headers['ce-id']).toBe('1');
  });

  test('a change of the subscriber is such a restart', async () => {
    await start(holding);
    const failing = await world.subscriber(() => ({ status: 500 }));
    const good = await world.subscriber();
    await world.trigger('t', failing.url);
    await world.send({});
    await until(() => deliveries().length === 1);

    const trigger = world.storage.get('triggers.eventing.knative.dev', 'ns', 't');
    world.storage.update({
      ...(trigger as NonNullable<typeof trigger>),
      spec: { ...trigger?.['spec'], subscriber: { uri: good.url } },
    });
    await until(() => good.received.length === 1);

    expect(good.received).toHaveLength(1);
  });
});

describe('Triggers', () => {
  test('each gets its own copy, and what nobody takes is dropped with 202', async () => {
    await start();
    const [one, two] = [await world.subscriber(), await world.subscriber()];
    await world.trigger('one', one.url, { filter: { type: 'test' } });
    await world.trigger('two', two.url, { filter: { type: 'test' } });

    expect(await world.send({ type: 'unknown' })).toBe(202);
    expect(await world.send({})).toBe(202);
    await until(() => one.received.length === 1 && two.received.length === 1);

    expect(world.tap.filter((entry) => entry.kind === 'published').map((entry) => entry.triggers)).toEqual([0, 2]);
  });

  test('that have spec.filters alone get every event', async () => {
    await start();
    const subscriber = await world.subscriber();
    await world.trigger('t', subscriber.url, { filters: [{ exact: { type: 'other' } }] });

    await world.send({ type: 'anything' });

    await until(() => subscriber.received.length === 1);
  });

  test('keep events while their subscriber has no address yet, and deliver them when it has', async () => {
    await start();
    const subscriber = await world.subscriber();
    world.storage.create({ ...triggerObject('t', ''), spec: { broker: 'default', subscriber: { ref: SERVICE } } });
    const conditions = () => world.storage.get('triggers.eventing.knative.dev', 'ns', 't')?.['status']?.conditions;
    await until(() => conditions());
    expect(conditions().find((one: { type: string }) => one.type === 'Ready')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('"fn"'),
    });

    await world.send({});
    addService(subscriber.url);

    await until(() => subscriber.received.length === 1);
  });

  test('that are deleted take their queue with them', async () => {
    await start({ sleep: (_, signal) => wait(60_000, undefined, { signal }) });
    const failing = await world.subscriber(() => ({ status: 500 }));
    await world.trigger('t', failing.url);
    await world.send({});
    await until(() => deliveries().length === 1);

    world.storage.remove('triggers.eventing.knative.dev', 'ns', 't');
    await wait(30);
    await world.send({});
    await until(() => world.tap.filter((entry) => entry.kind === 'published').length === 2);

    expect(world.tap.at(-1)).toMatchObject({ kind: 'published', triggers: 0 });
  });
});

describe('Brokers', () => {
  test('say where they are, and that they are Ready', async () => {
    await start();

    expect(isReady(world.storage, 'brokers.eventing.knative.dev', 'default')).toBe(true);
    expect(world.storage.get('brokers.eventing.knative.dev', 'ns', 'default')?.['status'].address.url).toBe(world.url);
  });

  test.each([
    {
      case: 'has a sink that is not there',
      spec: {
        ...brokerObject('x', null).spec,
        delivery: { deadLetterSink: { ref: { ...SERVICE, name: 'none' } } },
      },
      says: 'Service "none" does not exist',
    },
  ])('are not Ready, nor are their Triggers, where one $case', async ({ spec, says }) => {
    await start();
    world.storage.create({ ...brokerObject('bad', null), spec });
    world.storage.create({ ...triggerObject('t', world.url), spec: { broker: 'bad', subscriber: { uri: world.url } } });
    const ready = (resource: string, name: string) =>
      world.storage
        .get(`${resource}.eventing.knative.dev`, 'ns', name)
        ?.['status']?.conditions?.find((one: { type: string }) => one.type === 'Ready');
    await until(() => ready('triggers', 't'));

    expect(ready('brokers', 'bad')).toMatchObject({ status: 'False', message: expect.stringContaining(says) });
    expect(ready('triggers', 't')).toMatchObject({ status: 'False', reason: 'BrokerNotReady' });
  });

  test('of another class are left alone', async () => {
    await start();
    const broker = brokerObject('other', null);
    world.storage.create({ ...broker, metadata: { name: 'other', namespace: 'ns' } });
    await wait(30);

    expect(world.storage.get('brokers.eventing.knative.dev', 'ns', 'other')?.['status']).toBeUndefined();
  });

  test('beside the main one have an ingress of their own, and their own Triggers', async () => {
    await start();
    const subscriber = await world.subscriber();
    world.storage.create(brokerObject('second', { retry: 0 }));
    world.storage.create({
      ...triggerObject('t', ''),
      spec: { broker: 'second', subscriber: { uri: subscriber.url } },
    });
    await until(() => isReady(world.storage, 'triggers.eventing.knative.dev', 't'));
    const url: string = world.storage.get('brokers.eventing.knative.dev', 'ns', 'second')?.['status'].address.url;

    expect(url).not.toBe(world.url);
    await world.send({ id: 'main' });
    expect(await post(url, { id: 'second' })).toBe(202);
    await until(() => subscriber.received.length === 1);

    expect(subscriber.received[0]?.headers['ce-id']).toBe('second');
  });

  test('that state no delivery get the one that Eventing gives them', async () => {
    await start({ delivery: null });
    const failing = await world.subscriber(() => ({ status: 500 }));
    await world.trigger('t', failing.url);

    await world.send({});
    await until(() => fates().length === 1);

    expect(world.slept.slice(0, 10)).toEqual([400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 102_400, 204_800]);
  });
});

test('close cuts off what is in flight and leaves nothing running', async () => {
  await start();
  const subscriber = await world.subscriber(async () => {
    await wait(2000);
    return { status: 200 };
  });
  await world.trigger('t', subscriber.url);
  await world.send({});
  await until(() => subscriber.received.length === 1);

  const begun = performance.now();
  await world.broker.close();

  expect(performance.now() - begun).toBeLessThan(1000);
  await expect(world.send({})).rejects.toThrow();
});
