/** Which build goes on, which is joined, and which never begins. */
import { describe, expect, test } from 'vitest';
import { jobStart } from '#functions/job-start/handler.ts';
import { endJob, superseded } from '#shared/builds/end-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import { Crash, crashAt, type Steps, stepped } from '#test/fakes/stepped.ts';
import {
  ACME,
  type Asked,
  DIGEST,
  imageOf,
  jobSettings,
  jobStartEvent,
  MIDDLE,
  NEW,
  nameOf,
  OLD,
  TEMPORARY_BUCKET,
  World,
} from './world.ts';

const start = (world: World, asked: Asked = {}, deps = world.deps()) =>
  jobStart(jobStartEvent(asked), { ...deps, imageRegistry: undefined, settings: jobSettings });

const started = (content = 'one') => ({
  type: 'lifecycle.build.started',
  id: expect.stringMatching(/^[0-9a-f]{32}$/),
  subject: 'acme/p1',
  data: expect.objectContaining({ ...ACME, job_name: nameOf(content), state: 'started' }),
});

const ended = (status: string, reason: string) => ({
  type: 'build.complete',
  id: expect.stringMatching(/^[0-9a-f]{32}$/),
  subject: 'acme/p1',
  data: expect.objectContaining({
    ...ACME,
    status,
    reason,
    error_message: expect.stringMatching(/build\.(start|complete)/),
  }),
});

test('makes the Job and tells its name', async () => {
  const world = new World();
  expect(await start(world)).toEqual(started());
  expect([...world.cluster.jobs.keys()]).toEqual([nameOf()]);
});

test('twenty requests at once are one Job', async () => {
  const world = new World();
  const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => start(world, { id: `ask-${n}` })));
  expect(new Set(replies.map(({ data }) => (data as { job_name: string }).job_name))).toEqual(new Set([nameOf()]));
  expect(world.cluster.jobs.size).toBe(1);
});

test('twenty requests, each with its own moment and in any order, share the first one and leave it as it is', async () => {
  const world = new World();
  const moment = (n: number) => new Date(Date.parse(MIDDLE) + ((n * 7) % 20)).toISOString();
  const replies = [];
  for (let n = 0; n < 20; n += 1) {
    replies.push(await start(world, { id: `ask-${n}`, observed_at: moment(n) }));
  }
  expect(replies).toEqual(replies.map(() => started()));
  expect(world.cluster.jobs.get(nameOf())?.metadata?.annotations?.['knative-lambda/observed-at']).toBe(moment(0));
});

test('a late copy of a request whose build is deployed already shares that build', async () => {
  const world = new World();
  await world.deployed({ observed_at: NEW });
  const reply = await start(world, { id: 'late-copy', observed_at: OLD });
  expect(reply).not.toMatchObject({ data: { status: 'superseded' } });
});

test('a running build is joined, and deploys what the newest request asks', async () => {
  const world = new World();
  await world.running({ observed_at: OLD, parameters: { env: { COLOUR: 'red' } } });
  expect(await start(world, { id: 'ask-again', observed_at: NEW, parameters: { env: { COLOUR: 'blue' } } })).toEqual(
    started(),
  );
  const job = await world.cluster.getJob(nameOf());
  expect(readBuild(job ?? {})).toMatchObject({
    observed_at: NEW,
    parameters: { env: { COLOUR: 'blue' } },
    event_id: 'ask-one',
  });
});

test('an older request that joins does not change what is deployed', async () => {
  const world = new World();
  await world.running({ observed_at: MIDDLE, parameters: { env: { COLOUR: 'blue' } } });
  await start(world, { id: 'late', observed_at: MIDDLE, parameters: { env: { COLOUR: 'red' } } });
  expect(readBuild((await world.cluster.getJob(nameOf())) ?? {})?.parameters).toEqual({ env: { COLOUR: 'blue' } });
});

describe('a newer source', () => {
  test('ends the builds of older ones, which tell why', async () => {
    const world = new World();
    await world.running({ content: 'old', observed_at: OLD });
    expect(await start(world, { content: 'new', observed_at: NEW })).toEqual(started('new'));
    const old = await world.cluster.getJob(nameOf('old'));
    expect(readEnded(old ?? {})).toMatchObject({ status: 'superseded', reason: 'Superseded' });
    expect(old?.metadata?.deletionTimestamp).toBeDefined();
  });

  test('leaves a finished build its end', async () => {
    const world = new World();
    const finished = await world.succeeded({ content: 'old', observed_at: OLD });
    await start(world, { content: 'new', observed_at: NEW });
    const after = await world.cluster.getJob(nameOf('old'));
    expect([after?.metadata?.deletionTimestamp, after?.status]).toEqual([undefined, finished.status]);
  });

  test('deletes what somebody had ended and then not deleted', async () => {
    const world = new World();
    const old = await world.running({ content: 'old', observed_at: OLD });
    const crashing = stepped(world.cluster, crashAt(3, 'before'));
    const reason = superseded({ correlation_id: 'x', observed_at: NEW });
    await expect(endJob(crashing, nameOf('old'), old.metadata?.uid, reason)).rejects.toThrow(Crash);
    expect((await world.cluster.getJob(nameOf('old')))?.metadata?.deletionTimestamp).toBeUndefined();

    await start(world, { content: 'new', observed_at: NEW });
    expect((await world.cluster.getJob(nameOf('old')))?.metadata?.deletionTimestamp).toBeDefined();
  });

  test('leaves an older build alone whose success is told already', async () => {
    const world = new World();
    await world.released(await world.running({ content: 'old', observed_at: OLD }));
    await start(world, { content: 'new', observed_at: NEW });
    expect((await world.cluster.getJob(nameOf('old')))?.metadata?.deletionTimestamp).toBeUndefined();
  });

  test('of another tenant with the same parser_id ends nothing', async () => {
    const world = new World();
    const identity = { third_party_id: 'other', parser_id: 'p1' };
    await world.running({ content: 'old', observed_at: OLD, identity });
    await start(world, { content: 'new', observed_at: NEW });
    expect((await world.cluster.getJob(nameOf('old', identity)))?.metadata?.deletionTimestamp).toBeUndefined();
  });

  test.each<{ case: string; given: (world: World) => Promise<unknown> }>([
    { case: 'that builds', given: (world) => world.running({ content: 'new', observed_at: NEW }) },
    { case: 'that was built', given: (world) => world.succeeded({ content: 'new', observed_at: NEW }) },
    { case: 'that failed to build', given: (world) => world.failed({ content: 'new', observed_at: NEW }) },
    { case: 'that is deployed', given: (world) => world.deployed({ content: 'new', observed_at: NEW }) },
  ])('$case supersedes an older request that comes late', async ({ given }) => {
    const world = new World();
    await given(world);
    const before = world.state();
    expect(await start(world, { content: 'old', observed_at: OLD })).toEqual(ended('superseded', 'Superseded'));
    expect(world.state()).toEqual(before);
  });

  test.each(['newer', 'older'])('wins when both begin at once and the $0 one is seen in between', async (which) => {
    const [first, second] = which === 'newer' ? (['old', 'new'] as const) : (['new', 'old'] as const);
    const observed = { old: OLD, new: NEW };
    for (let step = 1; ; step++) {
      const world = new World();
      const other = () => start(world, { content: second, observed_at: observed[second] });
      const steps: Steps = { calls: [], before: async (at) => void (at === step && (await other())) };
      await start(world, { content: first, observed_at: observed[first] }, world.deps(steps));
      if (steps.calls.length < step) {
        expect(step).toBeGreaterThan(8);
        break;
      }
      const alive = [...world.cluster.jobs.values()].filter(
        ({ metadata }) => metadata?.deletionTimestamp === undefined,
      );
      expect([step, alive.map(({ metadata }) => metadata?.name)]).toEqual([step, [nameOf('new')]]);
    }
  });
});

describe('after service.delete', () => {
  test('a request that was seen before does not begin', async () => {
    const world = new World();
    world.buried(NEW);
    expect(await start(world, { observed_at: MIDDLE })).toEqual(ended('cancelled', 'Cancelled'));
    expect(world.cluster.jobs.size).toBe(0);
  });

  test('a request that was seen afterwards does', async () => {
    const world = new World();
    world.buried(OLD);
    expect(await start(world, { observed_at: MIDDLE })).toEqual(started());
  });

  test('a Job made in the meantime is ended by its maker', async () => {
    const world = new World();
    const create = world.cluster.createJob.bind(world.cluster);
    world.cluster.createJob = async (job) => {
      world.buried(NEW);
      return await create(job);
    };
    await start(world, { observed_at: MIDDLE });
    expect(readEnded((await world.cluster.getJob(nameOf())) ?? {})).toMatchObject({ status: 'cancelled' });
  });
});

describe('a build that is over', () => {
  const LATER = '2026-01-02T12:04:00.000Z';
  const other: Asked = { id: 'other', parameters: { env: { MODE: 'new' } } };

  test.each<{ case: string; asked: Asked }>([
    { case: 'seen before', asked: other },
    { case: 'seen after', asked: { ...other, observed_at: LATER } },
  ])('is not shared by other settings, $case: they would never be deployed', async ({ asked }) => {
    const world = new World();
    await world.succeeded();
    await expect(start(world, asked)).rejects.toMatchObject({ reason: 'BuildEnding' });
  });

  test('is shared by other settings where it failed', async () => {
    const world = new World();
    await world.failed();
    expect(await start(world, other)).toEqual(started());
  });

  test.each<{ case: string; given: (world: World) => Promise<unknown>; asked: Asked }>([
    { case: 'the same event again', given: (world) => world.failed(), asked: {} },
    { case: 'the same forced event again', given: (world) => world.succeeded({ force: true }), asked: { force: true } },
    { case: 'seen before it failed', given: (world) => world.failed(), asked: { id: 'other' } },
    {
      case: 'seen before its success was told, while its pod has yet to go',
      given: async (world) => world.released(await world.running()),
      asked: { id: 'other' },
    },
    {
      case: 'seen after its success, which is being processed',
      given: (world) => world.succeeded(),
      asked: { id: 'other', observed_at: LATER },
    },
  ])('is shared: $case', async ({ given, asked }) => {
    const world = new World();
    await given(world);
    const before = world.state();
    expect(await start(world, asked)).toEqual(started());
    expect(world.state()).toEqual(before);
  });

  test.each<{ case: string; given: (world: World) => Promise<unknown>; asked: Asked }>([
    { case: 'failed', given: async (world) => world.released(await world.failed()), asked: {} },
    { case: 'forced', given: async (world) => world.released(await world.succeeded()), asked: { force: true } },
    { case: 'succeeded without a record', given: async (world) => world.released(await world.succeeded()), asked: {} },
    {
      case: 'forced, while the pod of the former build has yet to go',
      given: async (world) => world.released(await world.running()),
      asked: { force: true },
    },
    {
      case: 'forced, seen between that and its completion',
      given: async (world) => {
        await world.released(await world.running());
        world.cluster.now = new Date('2026-01-02T12:06:00.000Z');
        world.cluster.succeed(nameOf(), DIGEST);
      },
      asked: { force: true },
    },
  ])('makes room for a later request: $case', async ({ given, asked }) => {
    const world = new World();
    await given(world);
    const before = (await world.cluster.getJob(nameOf()))?.metadata?.uid;
    expect(await start(world, { id: 'again', observed_at: LATER, ...asked })).toEqual(started());
    const job = await world.cluster.getJob(nameOf());
    expect(job?.metadata?.uid).not.toBe(before);
    expect([readBuild(job ?? {})?.event_id, job?.status]).toEqual(['again', undefined]);
  });

  test.each<{ case: string; given: (world: World) => Promise<unknown>; asked: Asked }>([
    { case: 'failed', given: (world) => world.failed(), asked: {} },
    { case: 'forced', given: (world) => world.succeeded(), asked: { force: true } },
    {
      case: 'cancelled a moment ago',
      given: async (world) => {
        const job = await world.running();
        await endJob(world.cluster, nameOf(), job.metadata?.uid, {
          status: 'cancelled',
          reason: 'Cancelled',
          message: '',
        });
        world.buried(MIDDLE);
      },
      // After the tombstone, yet before the Job's deletionTimestamp.
      asked: { observed_at: NEW },
    },
  ])('is waited for until its end has been processed: $case', async ({ given, asked }) => {
    const world = new World();
    await given(world);
    const before = world.state();
    const request = start(world, { id: 'again', observed_at: LATER, ...asked });
    await expect(request).rejects.toMatchObject({ name: 'RetryableError', reason: 'BuildEnding', retryAfter: 2 });
    expect(world.state()).toEqual(before);
  });
});

describe('refuses what build-start would not say', () => {
  test.each<{ path: string; change: (data: JobStart) => Partial<JobStart> }>([
    {
      path: 'data.context.key',
      change: (data) => ({ context: { ...data.context, key: 'contexts/other/p1/x.tar.gz' } }),
    },
    { path: 'data.context.bucket', change: (data) => ({ context: { ...data.context, bucket: 'other' } }) },
    {
      path: 'data.image.repository',
      change: (data) => ({ image: { ...data.image, repository: 'registry.local/knative-lambda/fn-other' } }),
    },
    { path: 'data.image.tag', change: (data) => ({ image: { ...data.image, tag: 'latest' } }) },
    { path: 'data.observed_at', change: () => ({ observed_at: '2026-01-02T12:06:00.000Z' }) },
  ])('$path', async ({ path, change }) => {
    const world = new World();
    const event = jobStartEvent();
    const forged = { ...event, data: { ...event.data, ...change(event.data) } };
    const reply = await jobStart(forged, { ...world.deps(), imageRegistry: undefined, settings: jobSettings });
    expect(reply).toMatchObject({ type: 'event.rejected', data: { reason: 'InvalidEvent', problems: [{ path }] } });
    expect(world.cluster.jobs.size).toBe(0);
  });

  test('but not an archive that a version before has packed', async () => {
    const world = new World();
    const event = jobStartEvent();
    const { context } = event.data;
    const former = { ...context, key: context.key.replace(/zst$/, 'gz') };
    const data = { ...event.data, context: former };
    const deps = { ...world.deps(), imageRegistry: undefined, settings: jobSettings };
    expect(await jobStart({ ...event, data }, deps)).toMatchObject({ type: 'lifecycle.build.started' });
    const pod = (await world.cluster.getJob(nameOf()))?.spec?.template.spec;
    expect(pod?.initContainers?.[0]?.env).toContainEqual({ name: 'CONTEXT_KEY', value: former.key });
  });

  test('a name that another tenant’s function has', async () => {
    const world = new World();
    await world.deployed();
    world.cluster.services.change(functionName(ACME), ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, 'knative-lambda/third-party-id': 'other' };
    });
    expect(await start(world)).toEqual(ended('failed', 'Refused'));
    expect(world.cluster.jobs.size).toBe(0);
  });
});

test('a source that was built meanwhile is answered from its record', async () => {
  const world = new World();
  const event = jobStartEvent();
  world.store.put(
    TEMPORARY_BUCKET,
    `builds/${event.data.fingerprint}.json`,
    JSON.stringify({
      ...ACME,
      fingerprint: event.data.fingerprint,
      build_key: event.data.build_key,
      image_uri: imageOf(),
      observed_at: OLD,
      started_at: OLD,
      completed_at: OLD,
      language: 'node',
      event: {
        id: 'former',
        source: 'knative-lambda',
        type: 'build.complete',
        subject: 'acme/p1',
        time: OLD,
        correlationid: 'former',
        causationid: 'former-ask',
        data: { ...ACME, correlation_id: 'former', status: 'success', image_uri: imageOf(), observed_at: OLD },
      },
    }),
  );
  expect(await start(world)).toMatchObject({
    type: 'build.complete',
    data: { status: 'success', cached: true, image_uri: imageOf(), observed_at: MIDDLE },
  });
  expect(world.cluster.jobs.size).toBe(0);
  expect(await start(world, { id: 'forced', force: true })).toEqual(started());
});

test('repositories are ensured before the Job', async () => {
  const world = new World();
  const ensured: string[] = [];
  const imageRegistry = {
    ensureRepository: async (name: string, use: string) => {
      expect(world.cluster.jobs.size).toBe(0);
      ensured.push(`${use} ${name}`);
    },
  };
  await jobStart(jobStartEvent(), { ...world.deps(), imageRegistry, settings: jobSettings });
  expect(ensured).toEqual([
    expect.stringMatching(/^images knative-lambda\/fn-p1-[0-9a-f]{8}$/),
    expect.stringMatching(/^cache knative-lambda\/cache-acme-[0-9a-f]{8}$/),
  ]);
});

test('what Kubernetes refuses fails the build; what it can’t do now is retried', async () => {
  const world = new World();
  world.cluster.createJob = async () => {
    throw new PermanentError('Refused', 'admission said no; send build.start');
  };
  expect(await start(world)).toEqual(ended('failed', 'Refused'));
  world.cluster.createJob = async () => {
    throw new RetryableError('Unavailable', 'down');
  };
  await expect(start(world, { id: 'another' })).rejects.toThrow('down');
});

test('the order of builds is that of their sources', async () => {
  const world = new World();
  await start(world, { content: 'old', observed_at: OLD });
  await start(world, { content: 'middle', observed_at: MIDDLE });
  await start(world, { content: 'new', observed_at: NEW });
  const alive = [...world.cluster.jobs.values()].filter(({ metadata }) => !metadata?.deletionTimestamp);
  expect(alive.map(observedAt)).toEqual([Date.parse(NEW)]);
});

describe('more than may run at once', () => {
  test('wait, and are told their place', async () => {
    const world = new World();
    const other = { third_party_id: 'other', parser_id: 'p2' };
    for (const content of ['a', 'b', 'c']) {
      await start(
        world,
        { content, identity: { ...other, parser_id: content } },
        { ...world.deps(), slots: { limit: 2 } },
      );
    }
    const reply = await start(world, {}, { ...world.deps(), slots: { limit: 2 } });
    // Before the other client's third: acme runs none.
    expect(reply.data).toMatchObject({ state: 'queued', queue_position: 1, job_name: nameOf() });
    expect(world.cluster.jobs.get(nameOf())?.spec?.suspend).toBe(true);
    const again = await start(world, {}, { ...world.deps(), slots: { limit: 3 } });
    expect(again.data).toMatchObject({ state: 'started' });
  });

  test('with Kueue wait for Kueue', async () => {
    const world = new World();
    const settings = { ...jobSettings, kueueQueue: 'builds' };
    const reply = await jobStart(jobStartEvent(), {
      ...world.deps(),
      slots: undefined,
      imageRegistry: undefined,
      settings,
    });
    expect(reply.data).toMatchObject({ state: 'queued' });
    const job = world.cluster.jobs.get(nameOf());
    expect([job?.spec?.suspend, job?.metadata?.labels?.['kueue.x-k8s.io/queue-name']]).toEqual([true, 'builds']);
  });
});

describe('more than one client may ask for', () => {
  const asked = (content: string) => ({ content, identity: { ...ACME, parser_id: content } });

  test.each([
    { case: 'waiting', limits: { waiting: 2, perMinute: 100 }, says: /2 builds of acme are waiting/, after: 60 },
    { case: 'in a minute', limits: { waiting: 100, perMinute: 2 }, says: /2 builds of acme were begun/, after: 40 },
  ])('$case end at once, with when to come back', async ({ limits, says, after }) => {
    const world = new World();
    const deps = { ...world.deps(), limits, slots: { limit: 0 } };
    await start(world, asked('a'), deps);
    await start(world, asked('b'), deps);
    world.now = new Date(world.now.getTime() + 20_000);
    const reply = await start(world, {}, deps);
    expect(reply).toEqual(ended('failed', 'TooManyBuilds'));
    expect(reply.data).toMatchObject({ error_message: expect.stringMatching(says), retry_after_seconds: after });
    expect(world.cluster.jobs.size).toBe(2);
    const other = await start(world, { identity: { third_party_id: 'other', parser_id: 'p1' } }, deps);
    expect(other.type).toBe('lifecycle.build.started');
  });

  test('nor does a delivery of an event again count twice', async () => {
    const world = new World();
    const deps = { ...world.deps(), limits: { waiting: 1, perMinute: 1 }, slots: { limit: 0 } };
    const first = await start(world, {}, deps);
    expect(await start(world, {}, deps)).toEqual(first);
  });

  test('come in once the minute is over', async () => {
    const world = new World();
    const deps = { ...world.deps(), limits: { waiting: 100, perMinute: 1 }, slots: { limit: 0 } };
    await start(world, asked('a'), deps);
    world.now = new Date(world.now.getTime() + 60_000);
    expect((await start(world, {}, deps)).type).toBe('lifecycle.build.started');
  });
});

test('what is pending is forgotten once a Job answers for it, and not before', async () => {
  const world = new World();
  const { id } = jobStartEvent();
  const key = `requests/acme/p1/${terminalId(id)}.json`;
  world.store.put(TEMPORARY_BUCKET, key, '{}');
  const down = stepped(world.cluster, crashAt(1, 'before'));
  await expect(start(world, {}, { ...world.deps(), cluster: down })).rejects.toThrow();
  expect(world.store.keys(TEMPORARY_BUCKET, 'requests/')).toEqual([key]);
  await start(world);
  expect(world.store.keys(TEMPORARY_BUCKET, 'requests/')).toEqual([]);
});
