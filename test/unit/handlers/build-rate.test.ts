/** A client's builds of the last minute, with a Job and without one, are counted in S3 before anything is made. */
import { beforeEach, expect, test } from 'vitest';
import { buildStart } from '#functions/build-start/handler.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import { received } from '#test/fakes/received.ts';
import { ACME, buildStartDependencies, SOURCE_BUCKET, TEMPORARY_BUCKET, uploaded, World } from './world.ts';

let world: World;
let registry: InMemoryRegistry;
let number = 0;

beforeEach(async () => {
  world = uploaded(new World());
  registry = new InMemoryRegistry();
  const [repository = '', tag = ''] = baseImages.node.split(':');
  await registry.image(repository, tag, [{ text: 'base', by: 'ADD rootfs' }]);
});

const at = (time: string) => {
  world.store.date = new Date(`2026-01-02T${time}.000Z`);
};

const changed = () => uploaded(world, { 'parser.mjs': `export const handler = () => ${++number};\n` });

/** With a limit of two builds a minute. */
const start = (id: string, { byJob = false, tenant = 'acme' } = {}) => {
  const data = { ...ACME, third_party_id: tenant, priority: 5, force: false, parameters: {} };
  return buildStart(received('build.start', data, { id }), {
    ...buildStartDependencies(world),
    buildsPerMinute: 2,
    assembling: byJob ? undefined : { registry, layerOf: codeLayer, ensureRepository: undefined },
  });
};

const TOO_MANY = { type: 'build.complete', data: { status: 'failed', reason: 'TooManyBuilds' } };

test.each([{ byJob: true }, { byJob: false }])('the third in a minute is refused, byJob: $byJob', async ({ byJob }) => {
  at('12:00:50');
  await start('one', { byJob });
  at('12:01:00');
  changed();
  await start('two', { byJob: !byJob });
  at('12:01:20');
  changed();
  const pushed = registry.calls.length;
  const reply = await start('three', { byJob });
  expect(reply).toMatchObject(TOO_MANY);
  // The first one was 30 s ago.
  expect((reply.data as BuildComplete).retry_after_seconds).toBe(30);
  expect((reply.data as BuildComplete).error_message).toContain('Send build.start again in 30 s');
  expect(registry.calls.length).toBe(pushed);
  expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/').length).toBe(1);
  // The same request has the same end for ever; another one may succeed.
  at('12:01:50');
  expect(await start('three', { byJob })).toEqual(reply);
  expect(await start('four', { byJob })).not.toMatchObject(TOO_MANY);
});

test('what needs no build is answered all the same', async () => {
  at('12:00:00');
  await start('one');
  changed();
  const second = await start('two');
  expect(await start('three')).toMatchObject({
    data: { cached: true, image_uri: (second.data as BuildComplete).image_uri },
  });
  expect(world.store.keys(TEMPORARY_BUCKET, 'begun/').length).toBe(2);
});

test('many requests for one source count once, and none of them is refused for its own sake', async () => {
  at('12:00:00');
  for (let copy = 1; copy <= 5; copy += 1) {
    expect(await start(`copy-${copy}`, { byJob: true })).toMatchObject({ type: 'job.start' });
  }
  expect(world.store.keys(TEMPORARY_BUCKET, 'begun/').length).toBe(1);
});

test('others’ builds do not count', async () => {
  at('12:00:00');
  for (const tenant of ['a', 'b', 'acme']) {
    expect(await start(`of-${tenant}`, { byJob: true, tenant })).toMatchObject({ type: 'job.start' });
  }
});

test('what S3 does not let us count is tried again, and counts once', async () => {
  at('12:00:00');
  world.store.failNext('list', new RetryableError('Unavailable', 'S3 is away'));
  await expect(start('one')).rejects.toThrow(RetryableError);
  expect(world.store.keys(TEMPORARY_BUCKET, 'begun/')).toEqual([]);
  await start('one');
  await start('one');
  expect(world.store.keys(TEMPORARY_BUCKET, 'begun/').length).toBe(1);
  expect(world.store.keys(SOURCE_BUCKET).length).toBe(1);
});
