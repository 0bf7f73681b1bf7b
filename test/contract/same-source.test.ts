/** The same request again, many at once, and newer ones meanwhile: one build a source, one ending a build. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, byJob, slowToBuild } from './sources.ts';
import { pause, until } from './until.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** Every event is processed and every finished Job released. */
async function settled(identity: { third_party_id: string; parser_id: string }): Promise<void> {
  await until('every Job to be released', async () =>
    (await world.jobs(identity)).every(
      (job) => !job.metadata?.finalizers?.includes('knative-lambda/terminal-event') && !job.metadata?.deletionTimestamp,
    ),
  );
  await pause(0.5);
}

test('an unchanged source is answered from the record, without a Job', async () => {
  const identity = world.parser('unchanged');
  await world.upload(identity, byJob(answering('once')));
  await world.send({ type: 'build.start', data: identity });
  const first = await world.seen('lifecycle.build.completed', identity);
  await settled(identity);
  const [job] = await world.jobs(identity);

  await world.send({ type: 'build.start', id: `again-${identity.parser_id}`, data: identity });

  const second = await world.seen('build.complete', identity, (event) => event.data.cached);
  expect(second.data).toMatchObject({ status: 'success', cached: true, image_uri: first.data.image_uri });
  expect(second['correlationid']).toBe(`again-${identity.parser_id}`);
  expect((await world.jobs(identity)).map(({ metadata }) => metadata?.uid)).toEqual([job?.metadata?.uid]);
});

test('an unchanged source with other settings is deployed anew without a build', async () => {
  const identity = world.parser('settings');
  await world.upload(identity, byJob({ 'parser.mjs': 'export const handler = () => process.env.COLOUR;\n' }));
  await world.send({ type: 'build.start', data: { ...identity, parameters: { env: { COLOUR: 'red' } } } });
  await world.seen('lifecycle.function.ready', identity);
  await settled(identity);

  await world.send({ type: 'build.start', data: { ...identity, parameters: { env: { COLOUR: 'blue' } } } });
  await until('the second revision', () =>
    world.of('lifecycle.function.ready', identity).some((event) => event.data.revision.endsWith('-00002')),
  );

  await world.send({ type: 'parser.start', subject: `acme/${identity.parser_id}` });
  expect((await world.seen('parser.complete', identity)).data.result).toBe('blue');
  expect((await world.jobs(identity)).length).toBe(1);
});

test('force builds an unchanged source again', async () => {
  const identity = world.parser('forced');
  await world.upload(identity, answering('forced'));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.build.completed', identity);
  await settled(identity);

  await world.send({ type: 'build.start', data: { ...identity, force: true } });

  await until(
    'a second ending',
    () => world.endings(identity).length === 2,
    60,
    () => world.story(identity),
  );
  await settled(identity);
  expect(world.endings(identity).map(({ data }) => [data.status, data.cached])).toEqual([
    ['success', false],
    ['success', false],
  ]);
});

test.each([
  { case: 'one event twenty times', id: (identity: { parser_id: string }, _n: number) => `same-${identity.parser_id}` },
  { case: 'twenty events', id: (identity: { parser_id: string }, n: number) => `${n}-${identity.parser_id}` },
])('$case at once are one Job and one build.complete', async ({ id }) => {
  const identity = world.parser('twenty');
  await world.upload(identity, slowToBuild('twenty', 2));

  await Promise.all(
    Array.from({ length: 20 }, (_, n) => world.send({ type: 'build.start', id: id(identity, n), data: identity })),
  );

  await world.seen('lifecycle.build.completed', identity);
  await settled(identity);
  expect(await world.jobs(identity)).toHaveLength(1);
  expect(world.endings(identity)).toHaveLength(1);
  expect(new Set(world.of('lifecycle.build.started', identity).map(({ data }) => data.job_name)).size).toBe(1);
});

test('a newer source supersedes the build of an older one', async () => {
  const identity = world.parser('superseded');
  await world.upload(identity, slowToBuild('old', 30));
  await world.send({ type: 'build.start', id: `old-${identity.parser_id}`, data: identity });
  const old = await world.seen('lifecycle.build.started', identity);

  await world.upload(identity, byJob(answering('new')));
  await world.send({ type: 'build.start', id: `new-${identity.parser_id}`, data: identity });

  await world.seen('lifecycle.function.ready', identity);
  await until(
    'both endings',
    () => world.endings(identity).length >= 2,
    30,
    () => world.story(identity),
  );
  await settled(identity);
  const endings = Object.fromEntries(world.endings(identity).map((event) => [event['correlationid'], event.data]));
  expect(Object.keys(endings)).toHaveLength(2);
  expect(endings[`old-${identity.parser_id}`]).toMatchObject({
    status: 'superseded',
    reason: 'Superseded',
    job_name: old.data.job_name,
  });
  expect(endings[`new-${identity.parser_id}`]).toMatchObject({ status: 'success' });
  await world.send({ type: 'parser.start', subject: `acme/${identity.parser_id}` });
  expect((await world.seen('parser.complete', identity)).data.result.answer).toBe('new');
});
