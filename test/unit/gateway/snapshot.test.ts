/** One read of Kubernetes serves many requests, nobody waits for the next one, and an answer is made once. */
import { expect, test } from 'vitest';
import { createSnapshot } from '#functions/gateway/api/snapshot.ts';
import { answerOf } from '#functions/gateway/api/snapshot-answers.ts';
import { openApiWorld } from './api-world.ts';

/** No numbers, no builds. */
const NOTHING = {
  hour: async () => undefined,
  lastBuilds: async () => new Map(),
  lastCrashes: async () => new Map(),
  buildingTenants: async () => [],
  neverDeployed: async () => [],
} as never;

function reader() {
  const state = { clock: 0, reads: 0, gate: undefined as Promise<void> | undefined };
  const cluster = {
    listServices: async () => {
      state.reads += 1;
      await state.gate;
      return [];
    },
    listFunctionPods: async () => [],
    listJobMetadata: async () => [],
  };
  return { state, snapshot: createSnapshot(cluster as never, NOTHING, () => state.clock) };
}

test('it is read anew after its time, and meanwhile the one before is given', async () => {
  const { state, snapshot } = reader();
  const [first, same] = await Promise.all([snapshot(), snapshot()]);
  expect(same).toBe(first);
  expect(state.reads).toBe(1);

  state.clock = 1500;
  const { promise, resolve } = Promise.withResolvers<void>();
  state.gate = promise;
  expect(await snapshot()).toBe(first);
  expect(state.reads).toBe(2);
  resolve();
  await expect.poll(async () => (await snapshot()) === first).toBe(false);
  expect(state.reads).toBe(2);
});

test('what is older than that is not given: who comes after a while waits for the new one', async () => {
  const { state, snapshot } = reader();
  const first = await snapshot();
  state.clock = 60_000;
  expect(await snapshot()).not.toBe(first);
});

test('an answer is made once for each snapshot and each who asks for what', () => {
  const [one, other] = [
    { functions: [], running: [] },
    { functions: [], running: [] },
  ];
  let made = 0;
  const ask = (snapshot: typeof one, key: string) =>
    answerOf(snapshot as never, key, { headers: {}, make: () => ({ made: ++made }) });
  expect(ask(one, 'acme')).toBe(ask(one, 'acme'));
  expect(ask(one, 'mallory').body).not.toEqual(ask(one, 'acme').body);
  expect(ask(other, 'acme').headers['etag']).not.toBe(ask(one, 'acme').headers['etag']);
  expect(made).toBe(3);
});

test('tenants that ask for the same page of one snapshot get their own', async () => {
  const held: { snapshot?: Awaited<ReturnType<ReturnType<typeof createSnapshot>>> } = {};
  const world = await openApiWorld({ snapshot: async () => (held.snapshot ??= await read()) });
  const read = createSnapshot(world.cluster, NOTHING);
  await world.deploy('acme', 'a1');
  await world.deploy('mallory', 'm1');
  const of = async (who: string) =>
    (await world.get('/functions', who)).json.items.map((one: { parser_id: string }) => one.parser_id);
  expect([await of('acme.ci'), await of('mallory.ci'), await of('ops.root'), await of('acme.ci')]).toEqual([
    ['a1'],
    ['m1'],
    ['a1', 'm1'],
    ['a1'],
  ]);
  const { headers } = await world.get('/functions');
  const known = { 'if-none-match': headers.get('etag') ?? '' };
  expect((await world.get('/functions', 'acme.ci', known)).status).toBe(304);
  expect((await world.get('/functions', 'mallory.ci', known)).status).toBe(200);
  await world.running.close();
});
