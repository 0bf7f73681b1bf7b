/** `service.delete`, alone, twice, and in the middle of a build. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { answering, slowToBuild } from './sources.ts';
import { until } from './until.ts';
import { type AnyObject, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** A Trigger stays for a while, and the Broker's dispatcher with it. */
const isDispatcher = ({ metadata }: AnyObject) =>
  metadata?.labels?.['eventing.knative.dev/brokerRole'] === 'dispatcher';

async function nothingLeft(identity: Identity): Promise<void> {
  await until(
    'Service, Jobs and pods to be gone',
    async () =>
      (await world.services(identity)).length + (await world.jobs(identity)).length === 0 &&
      !(await world.pods('')).some((pod) => pod.metadata?.name?.includes(identity.parser_id) && !isDispatcher(pod)) &&
      !(await world.pods('', world.buildsNamespace)).some(({ metadata }) =>
        metadata?.name?.includes(identity.parser_id),
      ),
  );
}

test('removes Service, Jobs and pods, and later the Trigger; again it answers the same; afterwards build.start works again', async () => {
  const identity = world.parser('deleted');
  await world.upload(identity, answering('first life'));
  // With a queue of its own, so that there is a Trigger.
  await world.send({ type: 'build.start', data: { ...identity, parameters: { delivery: 'own' } } });
  const { data } = await world.seen('lifecycle.function.ready', identity);

  await world.send({ type: 'service.delete', id: `one-${identity.parser_id}`, data: identity });
  const answer = await world.seen('lifecycle.function.deleted', identity);
  expect(answer.data.deleted).toEqual(
    expect.arrayContaining([
      { kind: 'Trigger', name: data.service_name },
      { kind: 'Service', name: data.service_name },
    ]),
  );
  await nothingLeft(identity);

  await world.send({ type: 'service.delete', id: `one-${identity.parser_id}`, data: identity });
  await until('the same answer', () => world.of('lifecycle.function.deleted', identity).length === 2);
  const [first, second] = world.of('lifecycle.function.deleted', identity);
  expect([second?.id, second?.data]).toEqual([first?.id, first?.data]);
  await world.send({ type: 'service.delete', id: `two-${identity.parser_id}`, data: identity });
  await until('an answer to the other request', () => world.of('lifecycle.function.deleted', identity).length === 3);
  expect(world.of('lifecycle.function.deleted', identity)[2]?.data.deleted).toEqual([]);

  const before = world.of('lifecycle.function.ready', identity).length;
  await new Promise((resolve) => setTimeout(resolve, 1100)); // S3's clock, which orders builds and deletions, tells seconds.
  await world.send({ type: 'build.start', data: identity });
  await until(
    'the second life',
    () => world.of('lifecycle.function.ready', identity).length > before,
    60,
    () => world.story(identity),
  );
});

test('during a build ends it as cancelled and leaves nothing behind', async () => {
  const identity = world.parser('cancelled');
  await world.upload(identity, slowToBuild('never', 30));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.build.started', identity);
  await until('the build to run', async () => (await world.jobs(identity)).some(({ status }) => status?.active));

  await world.send({ type: 'service.delete', data: identity });

  const ending = await world.seen('build.complete', identity);
  expect(ending.data).toMatchObject({ status: 'cancelled', reason: 'Cancelled' });
  await nothingLeft(identity);
  expect(world.endings(identity)).toHaveLength(1);
  expect(await world.keys(world.platform.temporaryBucket, `contexts/acme/${identity.parser_id}/`)).toEqual([]);
});

test('of one tenant leaves another tenant with the same parser_id alone', async () => {
  const acme = world.parser('shared');
  const other = { third_party_id: 'other', parser_id: acme.parser_id };
  await world.upload(acme, answering('shared'));
  await world.upload(other, answering('shared'));
  await world.send({ type: 'build.start', data: acme });
  await world.send({ type: 'build.start', data: other });
  await world.seen('lifecycle.function.ready', acme);
  const { data } = await world.seen('lifecycle.function.ready', other);

  await world.send({ type: 'service.delete', data: acme });
  await world.seen('lifecycle.function.deleted', acme);

  expect((await world.services(other)).map(({ metadata }) => metadata?.name)).toEqual([data.service_name]);
  await world.send({ type: 'parser.start', subject: `other/${other.parser_id}` });
  expect((await world.seen('parser.complete', other)).data.result.answer).toBe('shared');
});

test('ids that differ only after the 60th character never touch each other', async () => {
  const long = world.parser('long').parser_id.padEnd(70, 'x');
  const one = { third_party_id: 'acme', parser_id: `${long}1` };
  const two = { third_party_id: 'acme', parser_id: `${long}2` };
  await world.upload(one, answering('one'));
  await world.upload(two, answering('two'));
  await world.send({ type: 'build.start', data: one });
  await world.send({ type: 'build.start', data: two });
  await world.seen('lifecycle.function.ready', one);
  await world.seen('lifecycle.function.ready', two);

  await world.send({ type: 'parser.start', subject: `acme/${one.parser_id}` });
  await world.send({ type: 'parser.start', subject: `acme/${two.parser_id}` });
  expect((await world.seen('parser.complete', one)).data.result.answer).toBe('one');
  expect((await world.seen('parser.complete', two)).data.result.answer).toBe('two');
  await world.send({ type: 'service.delete', data: one });
  await world.seen('lifecycle.function.deleted', one);
  expect(await world.services(two)).toHaveLength(1);
});
