/**
 * A request that is delivered twice is told once: what its first delivery was answered stands, whatever has changed
 * meanwhile.
 */
import { expect, test } from 'vitest';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { buildStart } from '#functions/build-start/handler.ts';
import { jobStart } from '#functions/job-start/handler.ts';
import { endJob, superseded } from '#shared/builds/end-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import { type RequestOutcome, recordOutcome } from '#shared/requests/outcome.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { received } from '#test/fakes/received.ts';
import {
  ACME,
  type Asked,
  buildStartDependencies,
  functionSettings,
  jobSettings,
  jobStartEvent,
  MIDDLE,
  NEW,
  nameOf,
  successClaim,
  TEMPORARY_BUCKET,
  uploaded,
  World,
} from './world.ts';

const start = (world: World, asked: Asked) =>
  jobStart(jobStartEvent(asked), { ...world.deps(), imageRegistry: undefined, settings: jobSettings });
const where = (id: string) => ({ bucket: TEMPORARY_BUCKET, identity: ACME, terminalId: terminalId(id) });
const replied = (type: RequestOutcome['reply']['type'], id: string) =>
  ({ type, id, data: { job_name: 'another' } }) as RequestOutcome['reply'];

test('of two decisions the first stands', async () => {
  const { store } = new World();
  const [mine, theirs] = ['a', 'b'].map((end) => ({ end, reply: replied('build.complete', end) }));
  expect(await recordOutcome(store, where('x'), mine as NonNullable<typeof mine>)).toEqual(mine);
  expect(await recordOutcome(store, where('x'), theirs as NonNullable<typeof theirs>)).toEqual(mine);
});

test('who joined a build that was superseded since does not get a build of its own', async () => {
  const world = new World();
  const job = await world.running({ id: 'first' });
  const joined = await start(world, { id: 'second' });
  await endJob(world.cluster, nameOf(), job.metadata?.uid, superseded({ correlation_id: 'newer', observed_at: NEW }));
  await world.released(job);
  expect(await start(world, { id: 'second' })).toMatchObject({ type: joined.type, data: { job_name: nameOf() } });
  expect(world.cluster.jobs.size).toBe(0);
});

test('whose Job has come and gone before it was told does not join the next one of that name', async () => {
  const world = new World();
  await world.succeeded({ id: 'first' });
  const claim = successClaim({ id: terminalId('first'), job_name: nameOf() });
  await buildComplete(claim, { ...world.deps(), settings: functionSettings });
  await world.cluster.deleteJob(nameOf());
  await world.running({ id: 'second', force: true });
  await start(world, { id: 'first' });
  expect(await world.store.read(TEMPORARY_BUCKET, `answers/acme/p1/${terminalId('first')}.json`)).toMatchObject({
    text: expect.stringContaining(`"end":"${terminalId('first')}"`),
  });
});

test('a Job that was made for a request answered otherwise meanwhile ends under an id that is nobody’s', async () => {
  const world = new World();
  await world.running({ id: 'twice' });
  await recordOutcome(world.store, where('twice'), {
    end: 'another',
    reply: replied('lifecycle.build.started', 'told'),
  });
  expect(await start(world, { id: 'twice' })).toMatchObject({ id: 'told' });
  expect(readBuild((await world.cluster.getJob(nameOf())) ?? {})?.event_id).not.toBe('twice');
});

test('build-start says what was said before, also of a source that has gone since', async () => {
  const world = uploaded(new World());
  const event = received('build.start', { ...ACME, priority: 5, force: false, parameters: {} }, { id: 'ask' });
  const own = await buildStart(
    { ...event, data: { ...event.data, s3_prefix: 'nothing/' } },
    buildStartDependencies(world),
  );
  expect(own).toMatchObject({ type: 'build.complete', data: { reason: 'NoSource' } });
  expect(await buildStart(event, buildStartDependencies(world))).toEqual(own);
});

test('the event of a former Job does not end the one that has its name now', async () => {
  const world = new World();
  await world.running({ id: 'second', force: true, observed_at: MIDDLE });
  const former = successClaim({ id: terminalId('first'), job_name: nameOf() });
  await recordOutcome(world.store, where('first'), {
    end: terminalId('first'),
    reply: replied('lifecycle.build.started', 'told'),
  });
  expect(await buildComplete(former, { ...world.deps(), settings: functionSettings })).toBeUndefined();
  expect((await world.cluster.getJob(nameOf()))?.metadata?.finalizers).toHaveLength(1);
});

test('a process that stood still makes no Job of its own once another delivery has been answered', async () => {
  const world = new World();
  const reply = replied('lifecycle.build.started', 'told');
  const list = world.cluster.listJobMetadata.bind(world.cluster);
  world.cluster.listJobMetadata = async (selector) => {
    await recordOutcome(world.store, where('slow'), { end: 'another', reply });
    return await list(selector);
  };
  expect(await start(world, { id: 'slow' })).toMatchObject(reply);
  expect(world.cluster.jobs.size).toBe(0);
});
