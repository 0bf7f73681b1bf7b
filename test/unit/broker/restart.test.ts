/** Queues on disk: what a Broker has taken is delivered by the next one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Queue } from '#local/broker/queue.ts';
import { QueueLog } from '#local/broker/queue-log.ts';
import { type RunningBroker, startBroker } from '#local/broker/start-broker.ts';
import { brokerObject, post, startSubscriber, startWorld, until, type World } from './world.ts';

let directory: string;
let file: string;
let world: World;
let second: RunningBroker | undefined;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'queues-'));
  file = join(directory, 'queues.jsonl');
  world = await startWorld({ queueFile: file });
});
afterEach(async () => {
  await second?.close();
  second = undefined;
  await world.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Over the same objects and file. Two at once would never agree on the Broker's address. */
async function restart(port = 0): Promise<void> {
  const { storage } = world;
  await world.broker.close();
  second = await startBroker({ storage, namespace: 'ns', port, queueFile: file, resolve: () => undefined });
}

test('what was not acknowledged comes again, in its order and byte by byte; what was does not', async () => {
  const arrived: string[] = [];
  let answer = async (count: number) => (count === 1 ? { status: 200 } : new Promise<undefined>(() => {}));
  const subscriber = await world.subscriber(({ headers }, count) => {
    arrived.push(String(headers['ce-id']));
    return answer(count);
  });
  await world.trigger('slow', subscriber.url);
  const data = JSON.stringify({ text: 'ü \u0000 \n' });
  for (const id of ['1', '2', '3']) {
    expect(await world.send({ id, subject: 'a/b' }, data)).toBe(202);
  }
  await until(() => arrived.length === 2);

  answer = async () => ({ status: 200 });
  await restart();
  await until(() => arrived.length === 4);

  expect(arrived).toEqual(['1', '2', '2', '3']);
  expect(subscriber.received.map(({ body }) => body)).toEqual(Array(4).fill(data));
});

test('nothing is taken before the queues are bound again, so that nothing is lost between them', async () => {
  const subscriber = await world.subscriber();
  await world.trigger('every', subscriber.url);
  // Each is given an ingress before the Triggers are looked at.
  for (let n = 0; n < 50; n += 1) {
    world.storage.create(brokerObject(`extra-${n}`, null));
  }
  const { port } = new URL(world.url);
  await world.broker.close();
  const taken: string[] = [];
  let restarted = false;
  const client = async (name: string) => {
    for (let sent = 0; !restarted; sent += 1) {
      const id = `${name}${sent}`;
      if ((await post(world.url, { id }).catch(() => 0)) === 202) {
        taken.push(id);
      }
    }
  };
  const clients = ['a', 'b', 'c', 'd'].map(client);

  await restart(Number(port));
  await until(() => taken.length > 10);
  restarted = true;
  await Promise.all(clients);

  await until(() => subscriber.received.length >= taken.length);
  expect(subscriber.received.map(({ headers }) => headers['ce-id']).sort()).toEqual(taken.sort());
});

test('dead letters wait on disk for their sink', async () => {
  await world.close();
  const silent = await startSubscriber(() => new Promise(() => {}));
  world = await startWorld({
    queueFile: file,
    delivery: { retry: 0, deadLetterSink: { uri: silent.url } },
  });
  const failing = await world.subscriber(() => ({ status: 500 }));
  await world.trigger('failing', failing.url);
  await world.send({ id: 'dead' });
  await until(() => silent.received.length === 1);
  const uid = world.storage.get('brokers.eventing.knative.dev', 'ns', 'default')?.metadata.uid ?? '';

  const log = new QueueLog(file);

  const letters = [...log.open(uid).messages()].map(([, { headers }]) => [headers['id'], headers['knativeerrorcode']]);
  expect(letters).toEqual([['dead', 500]]);
  log.close();
  await silent.close();
});

test('with a Trigger go its queue and what is in it, also where it went while no Broker ran', async () => {
  const silent = await world.subscriber(() => new Promise(() => {}));
  await world.trigger('doomed', silent.url);
  await world.trigger('kept', silent.url);
  await world.send({ id: 'never' });
  expect(queuesLeft()).toHaveLength(2);
  await world.broker.close();
  world.storage.remove('triggers.eventing.knative.dev', 'ns', 'doomed');

  await restart();
  await until(() => queuesLeft().length === 1);
  world.storage.remove('triggers.eventing.knative.dev', 'ns', 'kept');

  await until(() => queuesLeft().length === 0);
});

/** Those of whose messages some are left. */
function queuesLeft(): string[] {
  const left = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const { queue, add, drop } = JSON.parse(line) as { queue: string; add?: number; drop?: string };
    left.delete(drop ?? '');
    if (queue !== undefined) {
      left.set(queue, (left.get(queue) ?? 0) + (add === undefined ? -1 : 1));
    }
  }
  return [...left].filter(([, messages]) => messages > 0).map(([queue]) => queue);
}

test('a queue hands out what its record holds first, and then what comes', () => {
  const log = new QueueLog();
  const message = (n: number) => ({ headers: { n }, body: Buffer.alloc(0) });
  new Queue(log.open('q')).push(message(1));
  const queue = new Queue(log.open('q'));
  queue.push(message(2));
  const got: unknown[] = [];

  const channel = queue.consume(10, (delivery) => {
    got.push(delivery.message.headers['n']);
    setImmediate(() => channel.ack(delivery));
  });

  expect(got).toEqual([1, 2]);
  return until(() => [...log.open('q').messages()].length === 0);
});
