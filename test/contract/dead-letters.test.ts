/**
 * Dead letters of three kinds, made on purpose, listed, shown and replayed once their cause is mended: none lost, none
 * twice.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readArguments } from '#cli/arguments.ts';
import { runCommand } from '#cli/run-command.ts';
import { createBroker } from '#shared/clients/broker.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { createLetterBox } from '#shared/dead-letters/letter-box.ts';
import { PATIENCE, until } from './until.ts';
import { type AnyObject, World } from './world.ts';

/** 100 takes as long, but for the ten a second that are replayed. */
const LETTERS = Number(process.env['LETTERS'] ?? 20);
const KINDS = { failing: Math.round(LETTERS * 0.4), missing: Math.round(LETTERS * 0.3) };
const REFUSED = LETTERS - KINDS.failing - KINDS.missing;
const CLI = resolve(import.meta.dirname, '../../cli/dead-letters.ts');

const run = randomBytes(4).toString('hex');
const typeOf = (kind: string) => `test.${kind}.${run}`;
const idsOf = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind}-${run}-${n}`);
const failing = idsOf('failing', KINDS.failing);
const missing = idsOf('missing', KINDS.missing);
const refused = idsOf('refused', REFUSED);

interface Letter {
  id: string;
  event: { id: string };
  raw?: { body_base64: string };
  [field: string]: unknown;
}

let world: World;
let directory: string;
let store: ReturnType<typeof createObjectStore>;
beforeAll(async () => {
  world = await new World().open();
  directory = await mkdtemp(join(tmpdir(), 'knative-lambda-letters-'));
  await writeFile(join(directory, 'kubeconfig'), world.platform.kubeconfig);
  store = createObjectStore(s3Settings());
  await subscribe('failing', 500);
  await subscribe('missing', 404);
});
afterAll(async () => {
  for (const kind of ['failing', 'missing']) {
    await world.remove('eventing.knative.dev/v1', 'Trigger', `${kind}-${run}`);
  }
  store.close();
  await rm(directory, { recursive: true, force: true });
  await world.close();
});

/** As the functions have them in their environment. */
function s3Settings() {
  const { endpoint, region, credentials } = world.platform.s3;
  return {
    AWS_REGION: region,
    ...(endpoint ? { S3_ENDPOINT: endpoint } : {}),
    ...(credentials
      ? { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey }
      : {}),
  };
}

/** What a person types, without a process for each time. */
async function letters(...args: string[]): Promise<{ ok: boolean; text: string; json: unknown }> {
  const { command } = readArguments(args);
  if (command.verb === 'help') {
    throw new Error('help is nothing to run');
  }
  const { ok, lines, json } = await runCommand(command, {
    box: createLetterBox(store, world.platform.temporaryBucket),
    broker: createBroker({ BROKER_URL: world.platform.brokerUrl, EVENT_KEY: world.platform.eventKey }),
    now: () => new Date(),
    sleep: (milliseconds) => sleep(milliseconds),
  });
  return { ok, text: lines.join('\n'), json };
}

async function listed(...args: string[]): Promise<Letter[]> {
  // Others' letters may hold anything, events without an id too.
  return ((await letters('list', ...args)).json as Letter[]).filter(({ event }) => String(event.id).includes(run));
}

const counted = (what: string, text: string) => Number(new RegExp(`${what} (\\d+)`).exec(text)?.[1]);
const names = (found: Letter[]) => found.map(({ event }) => event.id).sort();
const answersTo = (kind: string) =>
  world
    .deliveries(path(kind, 202))
    .map(({ headers }) => headers['ce-id'] ?? '')
    .filter((id) => id.includes(run));

function api(): KubernetesObjectApi {
  const config = new KubeConfig();
  config.loadFromString(world.platform.kubeconfig);
  return KubernetesObjectApi.makeApiClient(config);
}

const path = (kind: string, status: number) => `answer/${status}/${kind}-${run}`;

/** Many at a time and with one retry, for the Broker's own take a minute; its dead letters go where the Broker's go. */
async function subscribe(kind: string, status: number): Promise<void> {
  const { namespace, probe } = world.platform;
  await api().create({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: {
      name: `${kind}-${run}`,
      namespace,
      annotations: { 'rabbitmq.eventing.knative.dev/parallelism': '100' },
    },
    spec: {
      broker: 'default',
      filter: { attributes: { type: typeOf(kind) } },
      subscriber: { uri: `${probe.subscriber}/${path(kind, status)}` },
      delivery: {
        retry: 1,
        backoffPolicy: 'linear',
        backoffDelay: 'PT0.5S',
        deadLetterSink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'dead-letters' } },
      },
    },
  } as never);
  await ready(kind);
}

async function ready(kind: string): Promise<void> {
  await until(`Trigger ${kind} to be Ready`, async () => {
    const { metadata, status } = await world.object('eventing.knative.dev/v1', 'Trigger', `${kind}-${run}`);
    const { conditions = [], observedGeneration } = status ?? {};
    const isReady = conditions.some(
      (one: { type: string; status: string }) => one.type === 'Ready' && one.status === 'True',
    );
    return isReady && observedGeneration === metadata?.generation;
  });
}

async function mend(kind: string): Promise<void> {
  const { namespace, probe } = world.platform;
  const subscriber = { uri: `${probe.subscriber}/${path(kind, 202)}` };
  const trigger = {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name: `${kind}-${run}`, namespace },
  };
  await world.patch({ ...trigger, spec: { subscriber } } as AnyObject);
  await ready(kind);
  // A Trigger may be Ready while the dispatcher that it had still runs.
  await until(`${kind} to be mended`, async () => {
    await world.send({ type: typeOf(kind), id: `mended-${kind}` });
    return world.deliveries(path(kind, 202)).length > 0;
  });
}

describe(`${LETTERS} dead letters of three kinds`, () => {
  test('are listed, each once, by what failed', async () => {
    for (const [kind, ids] of [
      ['failing', failing],
      ['missing', missing],
    ] as const) {
      await Promise.all(ids.map((id) => world.send({ type: typeOf(kind), id, subject: 'acme/p1', data: { of: id } })));
    }
    await Promise.all(refused.map((id) => world.send({ type: 'build.start', id, data: { third_party_id: 7.5 } })));

    await until('all letters', async () => (await listed()).length === LETTERS, 60);

    const all = await listed();
    expect(names(all)).toEqual([...failing, ...missing, ...refused].sort());
    expect(names(await listed('--type', typeOf('failing'), '--category', 'transient'))).toEqual([...failing].sort());
    expect(names(await listed('--reason', 'NotFound'))).toEqual([...missing].sort());
    expect(names(await listed('--category', 'permanent', '--reason', 'InvalidEvent'))).toEqual([...refused].sort());
    expect(all.filter(({ state }) => state !== 'open')).toEqual([]);
  });

  test('are shown with where it failed, what to do, and the event', async () => {
    const [first] = await listed('--type', typeOf('failing'));

    const { text } = await letters('show', first?.id ?? '');

    for (const part of ['Unavailable', path('failing', 500), 'code          500', `"id": "${first?.event.id}"`]) {
      expect(text).toContain(part);
    }
    expect((await letters('list', '--type', typeOf('failing'))).text).toMatch(/^ID +AGE +TYPE .*\n[0-9a-f]{32} /);
  });

  test('of an order that is only tried, nothing is sent', async () => {
    const { text } = await letters('replay', '--type', typeOf('failing'), '--dry-run');

    expect(text).toContain(`would replay ${KINDS.failing}`);
    expect((await listed()).length).toBe(LETTERS);
  });

  test('whose cause is mended arrive when they are replayed, by event and by hand: each once, and no other', async () => {
    await mend('failing');
    await mend('missing');
    const order = { type: typeOf('failing'), category: 'transient', max: 1000 };
    const orderId = `order-${run}`;
    expect(await world.send({ type: 'dead-letter.replay', id: orderId, data: order })).toBe(202);
    const done = await until(
      'dead-letter.replayed',
      () => world.events.find((event) => event['causationid'] === orderId),
      60,
    );
    const byHand = await letters('replay', '--reason', 'NotFound', '--type', typeOf('missing'), '--max', '1000');
    const again = await letters('replay', '--type', typeOf('missing'), '--max', '1000');

    expect(done).toMatchObject({
      type: 'dead-letter.replayed',
      data: { refused: [], skipped: 0, remaining: 0, dry_run: false },
    });
    // What was sent to see whether it is mended may have become a letter, too.
    expect(done?.data?.replayed).toBeGreaterThanOrEqual(KINDS.failing);
    expect(counted('replayed', byHand.text)).toBeGreaterThanOrEqual(KINDS.missing);
    expect(counted('passed over', again.text)).toBeGreaterThanOrEqual(KINDS.missing);
    await until(
      'the mended subscribers',
      () => answersTo('failing').length >= KINDS.failing && answersTo('missing').length >= KINDS.missing,
    );
    expect(answersTo('failing').sort()).toEqual([...failing].sort());
    expect(answersTo('missing').sort()).toEqual([...missing].sort());
    const sample = world.deliveries(path('failing', 202)).find(({ headers }) => headers['ce-id']?.includes(run));
    expect(sample?.headers).toMatchObject({
      'ce-replays': '1',
      'ce-replayof': expect.stringMatching(/^\d{4}-\d\d-\d\d\/[0-9a-f]{32}$/),
    });
    expect(sample?.headers).not.toHaveProperty('ce-knativeerrorcode');
    expect(JSON.parse(sample?.body ?? '')).toEqual({ of: sample?.headers['ce-id'] });
    // Only what nothing was done about is open.
    expect(names(await listed())).toEqual([...refused].sort());
    expect(names(await listed('--all')).length).toBe(LETTERS);
  });

  test('that would be refused again are not sent; by force they are, and come back as the same letters', async () => {
    const before = await listed();
    const kept = await letters('replay', ...before.map(({ id }) => id));
    expect(kept.ok).toBe(false);
    expect(kept.text).toContain(`refused ${REFUSED}`);

    const forced = await letters('replay', ...before.map(({ id }) => id), '--force');

    expect(forced.text).toContain(`replayed ${REFUSED}`);
    const after = await until('them to be open again', async () => {
      const open = await listed();
      return open.length === REFUSED && open.every(({ replays }) => replays === 1) ? open : undefined;
    });
    expect(after.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
    for (const letter of after) {
      expect(letter).toMatchObject({ replays: 1, reason: 'InvalidEvent', state: 'open, replayed 1×' });
      expect(letter['count']).toBeGreaterThanOrEqual(2);
    }
  });

  test('are purged by an event', async () => {
    const ids = (await listed('--all')).map(({ id }) => id);
    const orderId = `purge-${run}`;

    await world.send({ type: 'dead-letter.purge', id: orderId, data: { ids, max: 1000 } });

    const done = await until('dead-letter.purged', () =>
      world.events.find((event) => event['causationid'] === orderId),
    );
    expect(done.data).toMatchObject({ purged: LETTERS, remaining: 0 });
    expect(await listed('--all')).toEqual([]);
  });
});

test('npm run dead-letters finds them by a kubeconfig alone', { timeout: 30_000 * PATIENCE }, async () => {
  const { namespace, s3 } = world.platform;
  const { PATH = '', HOME = '' } = process.env;
  // From outside a cluster its S3 may have another name.
  const env = { PATH, HOME, ...(s3.endpoint ? { S3_ENDPOINT: s3.endpoint } : {}) };
  const args = [CLI, 'list', '--kubeconfig', join(directory, 'kubeconfig'), '--namespace', namespace];

  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 64 * 1024 * 1024 });

  expect(stdout).toMatch(/^(no dead letters|ID )/);
});
