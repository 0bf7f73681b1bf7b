/** What goes, what stays, and what the answer says. */
import { expect, test } from 'vitest';
import { serviceDelete } from '#functions/service-delete/handler.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { readEnded } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import { received } from '#test/fakes/received.ts';
import { ACME, MIDDLE, NEW, NOON, nameOf, OLD, TEMPORARY_BUCKET, World } from './world.ts';

const NAME = functionName(ACME);
const LATER = new Date(NOON.getTime() + 60_000);

const remove = (world: World, id = 'delete-1', data: { reason?: string } = {}) =>
  serviceDelete(received('service.delete', { ...ACME, ...data }, { id, subject: 'acme/p1' }), world.deps());

const deleted = (...objects: [string, string][]) => ({
  type: 'lifecycle.function.deleted',
  subject: 'acme/p1',
  data: { ...ACME, correlation_id: 'correlation-1', deleted: objects.map(([kind, name]) => ({ kind, name })) },
});

function context(content: string): string {
  return `contexts/acme/p1/${content}.tar.zst`;
}

test('Service, Jobs and archives go, and later the Trigger; a running build is told that it was cancelled', async () => {
  const world = new World();
  await world.deployed({ content: 'one' });
  await world.running({ content: 'two' });
  // One of them was packed by a version before.
  for (const key of [context('a'), context('b').replace(/zst$/, 'gz')]) {
    world.store.put(TEMPORARY_BUCKET, key, 'x');
  }
  world.store.put(TEMPORARY_BUCKET, 'contexts/acme/p2/a.tar.gz', 'x');
  expect(await remove(world, 'delete-1', { reason: 'unused' })).toEqual(
    deleted(['Trigger', NAME], ['Service', NAME], ['Job', nameOf('two')]),
  );
  // What waits in its queue is answered before sweep deletes it.
  expect([world.cluster.triggers.size, world.cluster.services.size]).toEqual([1, 0]);
  const job = await world.cluster.getJob(nameOf('two'));
  expect(readEnded(job ?? {})).toEqual({
    status: 'cancelled',
    reason: 'Cancelled',
    message: expect.stringContaining('unused'),
  });
  expect(job?.metadata?.deletionTimestamp).toBeDefined();
  expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/')).toEqual(['contexts/acme/p2/a.tar.gz']);
});

test('where nothing is there, that is the answer', async () => {
  expect(await remove(new World())).toEqual(deleted());
});

test('a success that nobody has processed yet becomes cancelled: its pods go with it', async () => {
  const world = new World();
  await world.succeeded();
  await remove(world);
  expect(readEnded((await world.cluster.getJob(nameOf())) ?? {})).toMatchObject({ status: 'cancelled' });
});

test('a build that has been processed goes without more ado', async () => {
  const world = new World();
  await world.released(await world.succeeded());
  expect(await remove(world)).toEqual(deleted(['Job', nameOf()]));
  expect(world.cluster.jobs.size).toBe(0);
});

test('what was seen before it is buried, what is seen afterwards is not', async () => {
  const world = new World();
  await remove(world);
  const { tombstone } = await readTombstone(world.store, TEMPORARY_BUCKET, ACME);
  expect([MIDDLE, NEW, LATER.toISOString()].map((time) => isTombstoned(tombstone, Date.parse(time)))).toEqual([
    true,
    true,
    false,
  ]);
});

test('delivered again it answers the same, and spares what was built since', async () => {
  const world = new World();
  await world.deployed({ content: 'one', observed_at: OLD });
  const first = await remove(world);
  await world.deployed({ content: 'two', observed_at: LATER.toISOString() });
  await world.running({ content: 'two', observed_at: LATER.toISOString() });
  world.store.put(TEMPORARY_BUCKET, context('two'), 'x');
  const before = world.state();
  expect(await remove(world)).toEqual(first);
  expect(world.state()).toEqual(before);
});

test('delivered again after another deletion it still spares what was built since', async () => {
  const world = new World();
  await remove(world, 'delete-1');
  world.store.date = LATER;
  await remove(world, 'delete-2');
  await world.deployed({ content: 'two', observed_at: new Date(LATER.getTime() + 60_000).toISOString() });
  const before = world.state();
  await remove(world, 'delete-1');
  expect(world.state()).toEqual(before);
});

test('another event deletes anew', async () => {
  const world = new World();
  await remove(world, 'delete-1');
  world.store.date = LATER;
  await world.deployed({ content: 'two', observed_at: new Date(NOON.getTime() + 30_000).toISOString() });
  expect(await remove(world, 'delete-2')).toEqual(deleted(['Trigger', NAME], ['Service', NAME]));
});

test('another parser whose labels look the same keeps everything', async () => {
  const world = new World();
  const identity = { third_party_id: 'acme', parser_id: 'other' };
  await world.running({ identity });
  world.cluster.jobs.change(nameOf('one', identity), ({ metadata }) => {
    metadata.labels = { ...metadata.labels, 'knative-lambda/parser-id': 'p1' };
  });
  const before = world.cluster.state();
  await remove(world);
  expect(world.cluster.state()).toEqual(before);
});

test('a tombstone that can’t be read stops everything: nobody knows what may be deployed', async () => {
  const world = new World();
  world.store.put(TEMPORARY_BUCKET, 'tombstones/acme/p1.json', 'no JSON');
  await expect(remove(world)).rejects.toMatchObject({
    name: 'RetryableError',
    message: expect.stringContaining('aws s3 rm'),
  });
});
