/** What is deployed, on whose word, and what is told. */
import { describe, expect, test } from 'vitest';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { BUILD_RECORD, readBuildRecord } from '#shared/builds/build-record.ts';
import { cancelled, endJob } from '#shared/builds/end-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { readRecord } from '#shared/requests/record.ts';
import { observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { DELIVERY_ANNOTATION, LANE, UNUSED_SINCE } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { outcomeKey } from '#shared/specs/s3-keys.ts';
import type { Steps } from '#test/fakes/stepped.ts';
import {
  ACME,
  type Asked,
  DIGEST,
  functionSettings,
  imageOf,
  keyOf,
  MIDDLE,
  NEW,
  nameOf,
  OLD,
  successClaim,
  TEMPORARY_BUCKET,
  World,
} from './world.ts';

const complete = (world: World, claim: Asked & Partial<BuildComplete> = {}, steps?: Steps) =>
  buildComplete(successClaim({ job_name: nameOf(claim.content), ...claim }), {
    ...world.deps(steps),
    settings: functionSettings,
  });

const NAME = functionName(ACME);
const recordKey = (content = 'one') => `builds/${keyOf(`f-${content}`)}.json`;

const failed = (status: string, reason: string) => ({
  type: 'lifecycle.build.failed',
  data: { ...ACME, status, reason, error_message: expect.stringMatching(/build\.(start|complete)/) },
});

const rejected = (path: string) => ({
  type: 'event.rejected',
  data: { reason: 'InvalidEvent', problems: [{ path, message: expect.any(String) }] },
});

describe('a success that its Job confirms', () => {
  test('is deployed by digest with its Trigger, recorded, told, and let go of', async () => {
    const world = new World();
    await world.succeeded({ parameters: { env: { COLOUR: 'red' } } });
    expect(await complete(world)).toMatchObject({
      type: 'lifecycle.build.completed',
      subject: 'acme/p1',
      correlationId: 'correlation-one',
      data: {
        ...ACME,
        image_uri: imageOf(),
        service_name: NAME,
        url: `http://${NAME}.functions.svc.cluster.local`,
        cached: false,
      },
    });
    const service = await world.cluster.getService(NAME);
    expect(service?.spec.template.spec.containers[0]).toMatchObject({
      image: imageOf(),
      env: expect.arrayContaining([{ name: 'COLOUR', value: 'red' }]),
    });
    const trigger = await world.cluster.getTrigger(NAME);
    expect(trigger?.spec.filter.attributes).toEqual({ type: 'parser.deliver', subject: 'acme/p1', [LANE]: 'own' });
    // It outlives the Service, so that the door can answer what waits in its queue.
    expect(trigger?.metadata.ownerReferences).toBeUndefined();
    expect(world.store.json(TEMPORARY_BUCKET, recordKey())).toMatchObject({
      ...ACME,
      image_uri: imageOf(),
      language: 'node',
      event: { type: 'build.complete', correlationid: 'correlation-one', data: { status: 'success' } },
    });
    expect((await world.cluster.getJob(nameOf()))?.metadata?.finalizers).toEqual([]);
  });

  test('says how it was built, and how long each phase took', async () => {
    const world = new World();
    await world.succeeded();
    const reply = await complete(world);
    const record = readBuildRecord((reply as NewEvent).extensions?.[BUILD_RECORD]);
    expect(record).toMatchObject({ path: 'job', language: 'node' });
    expect(Object.keys(record?.phases ?? {})).toContain('deploy');
  });

  test('is deployed as the Job says, whatever the event claims', async () => {
    const world = new World();
    await world.succeeded();
    await complete(world, {
      image_uri: imageOf(ACME, `sha256:${'e'.repeat(64)}`),
      parameters: { env: { EVIL: '1' } },
      observed_at: '2030-01-01T00:00:00.000Z',
    });
    const service = await world.cluster.getService(NAME);
    expect(service?.spec.template.spec.containers[0].image).toBe(imageOf());
    expect(JSON.stringify(service)).not.toContain('EVIL');
    expect(observedAt(service ?? {})).toBe(Date.parse(MIDDLE));
  });

  test('again changes nothing and tells the same', async () => {
    const world = new World();
    await world.succeeded();
    const first = await complete(world);
    const before = world.state();
    expect(await complete(world)).toEqual(first);
    expect(world.state()).toEqual(before);
  });
});

test('a newer function is not replaced by an older build, whose image is recorded all the same', async () => {
  const world = new World();
  await world.succeeded({ content: 'old', observed_at: OLD });
  await world.deployed({ content: 'new', observed_at: NEW });
  const before = [...world.cluster.services.values()];
  expect(await complete(world, { content: 'old' })).toMatchObject(failed('superseded', 'Superseded'));
  expect([...world.cluster.services.values()]).toEqual(before);
  expect(world.store.json(TEMPORARY_BUCKET, recordKey('old'))).toMatchObject({ image_uri: imageOf() });
  expect((await world.cluster.getJob(nameOf('old')))?.metadata?.finalizers).toEqual([]);
});

test.each(['failed', 'succeeded'] as const)(
  'a newer build that has %s and is not deployed does not keep an older success from being it',
  async (end) => {
    const world = new World();
    await world.succeeded({ content: 'old', observed_at: OLD });
    await world[end]({ content: 'new', observed_at: NEW });
    expect(await complete(world, { content: 'old' })).toMatchObject({ type: 'lifecycle.build.completed' });
  },
);

test.each([
  { case: 'another deployment', before: (world: World) => world.deployed({ content: 'first', observed_at: OLD }) },
  { case: 'a first deployment', before: async () => undefined },
])('whenever a newer build is deployed within $case, the newer one stays: Service and Trigger', async ({ before }) => {
  for (let step = 1; ; step++) {
    const world = new World();
    await before(world);
    await world.succeeded({ content: 'middle', observed_at: MIDDLE });
    const newer = () => world.deployed({ content: 'new', observed_at: NEW });
    const steps: Steps = { calls: [], before: async (at) => void (at === step && (await newer())) };
    await complete(world, { content: 'middle' }, steps);
    if (steps.calls.length < step) {
      break;
    }
    const stamps = [world.cluster.services, world.cluster.triggers].map((objects) =>
      observedAt(objects.get(NAME) ?? {}),
    );
    expect([step, ...stamps]).toEqual([step, Date.parse(NEW), Date.parse(NEW)]);
  }
});

describe('after service.delete', () => {
  test('nothing is deployed', async () => {
    const world = new World();
    await world.succeeded();
    world.buried(NEW);
    expect(await complete(world)).toMatchObject(failed('cancelled', 'Cancelled'));
    expect(world.cluster.services.size + world.cluster.triggers.size).toBe(0);
  });

  test('that came at any moment in between, nothing is left', async () => {
    for (let step = 1; ; step++) {
      const world = new World();
      await world.succeeded();
      const steps: Steps = { calls: [], before: (at) => void (at === step && world.buried(NEW)) };
      await complete(world, {}, steps);
      const applied = steps.calls.lastIndexOf('applyTrigger');
      // After the last look at the tombstone it is service-delete that finds what is deployed.
      if (steps.calls.indexOf('read', applied) + 1 < step) {
        break;
      }
      expect([step, world.cluster.services.size]).toEqual([step, 0]);
    }
  });

  test('a function of a newer source stays', async () => {
    const world = new World();
    await world.succeeded();
    await world.deployed({ content: 'new', observed_at: NEW });
    world.buried(MIDDLE);
    await complete(world);
    expect(observedAt(world.cluster.services.get(NAME) ?? {})).toBe(Date.parse(NEW));
  });
});

describe('any other end', () => {
  test.each<{ case: string; given: (world: World) => Promise<unknown>; status: string; reason: string }>([
    { case: 'failed', given: (world) => world.failed(), status: 'failed', reason: 'BuildFailed' },
    {
      case: 'deleted by hand',
      given: async (world) => {
        await world.running();
        await world.cluster.deleteJob(nameOf());
      },
      status: 'cancelled',
      reason: 'Cancelled',
    },
  ])('$case is told, and the Job let go of, though the event claims success', async ({ given, status, reason }) => {
    const world = new World();
    await given(world);
    expect(await complete(world)).toMatchObject(failed(status, reason));
    expect(world.cluster.services.size).toBe(0);
    expect((await world.cluster.getJob(nameOf()))?.metadata?.finalizers ?? []).toEqual([]);
  });

  const claimed = { status: 'failed' as const, reason: 'NoSource' as const, error_message: 'invented' };
  const answerTo = async (world: World, event = successClaim(claimed)) =>
    await buildComplete(event, { ...world.deps(), settings: functionSettings });
  const recorded = (world: World, reply: object, end = successClaim().id) => {
    const key = outcomeKey({ bucket: TEMPORARY_BUCKET, identity: ACME, terminalId: successClaim().id });
    world.store.put(TEMPORARY_BUCKET, key, JSON.stringify({ end, reply }));
  };

  test('without a Job is told as the recorded answer says it, whatever the event claims', async () => {
    const world = new World();
    const data = {
      ...successClaim().data,
      status: 'failed',
      reason: 'UnknownLanguage',
      error_message: 'as recorded: send build.start',
    };
    recorded(world, { type: 'build.complete', id: successClaim().id, data });
    expect(await answerTo(world)).toMatchObject(failed('failed', 'UnknownLanguage'));
  });

  test('without a Job and a recorded answer is told to nobody: anybody can send it', async () => {
    expect(await answerTo(new World())).toMatchObject({ type: 'event.rejected', data: { reason: 'InvalidEvent' } });
  });

  test('is not told of a build that a recorded answer calls a success', async () => {
    const world = new World();
    recorded(world, { type: 'build.complete', id: successClaim().id, data: successClaim().data });
    expect(await answerTo(world)).toMatchObject({ type: 'event.rejected' });
  });

  test('whose Job has been processed and is gone is not told again', async () => {
    const world = new World();
    recorded(world, { type: 'lifecycle.build.started', data: {} });
    expect(await answerTo(world)).toBeUndefined();
  });

  test('of a Job that is gone is not told of the one that a second delivery of its job.start has made', async () => {
    const world = new World();
    const job = await world.running();
    recorded(world, { type: 'lifecycle.build.started', data: {} });
    const before = new Date(new Date(job.metadata?.creationTimestamp ?? 0).getTime() - 1000).toISOString();
    const claim = (started_at: string) => ({ ...claimed, job_name: nameOf(), started_at });

    expect(await answerTo(world, successClaim(claim(before)))).toBeUndefined();

    expect((await world.cluster.getJob(nameOf()))?.metadata?.finalizers).not.toEqual([]);
    const now = new Date(job.metadata?.creationTimestamp ?? 0).toISOString();
    expect(await answerTo(world, successClaim(claim(now)))).toMatchObject({ type: 'event.rejected' });
  });
});

test('a Job that is ended between two looks at it is not taken for one that runs', async () => {
  const world = new World();
  const job = await world.running();
  const { cluster } = world;
  cluster.listPods = async () => {
    await endJob(cluster, nameOf(), job.metadata?.uid, cancelled(undefined));
    return [];
  };
  const told = await complete(world);
  expect(told).toMatchObject(failed('cancelled', 'Cancelled'));
});

describe('a success without a Job', () => {
  const cached = { cached: true, id: 'cached-end', observed_at: NEW };

  async function recorded(): Promise<World> {
    const world = new World();
    await world.succeeded({ observed_at: OLD });
    await complete(world);
    world.cluster.jobs.clear();
    return world;
  }

  const claim = (world: World, claimed: Parameters<typeof successClaim>[0]) =>
    buildComplete(successClaim(claimed), { ...world.deps(), settings: functionSettings });

  test('is deployed with the parameters of the request where a record confirms the image', async () => {
    const world = await recorded();
    expect(await claim(world, { ...cached, parameters: { env: { COLOUR: 'blue' } } })).toMatchObject({
      type: 'lifecycle.build.completed',
      data: { cached: true, image_uri: imageOf() },
    });
    expect(world.cluster.services.get(NAME)?.spec.template.spec.containers[0].env).toContainEqual({
      name: 'COLOUR',
      value: 'blue',
    });
  });

  test('ends older builds at once, which tell why, and no others', async () => {
    const world = await recorded();
    const other = { third_party_id: 'other', parser_id: 'p1' };
    await world.running({ content: 'old', observed_at: MIDDLE });
    await world.running({ content: 'new', observed_at: '2026-01-02T11:59:00.000Z' });
    await world.running({ content: 'one', observed_at: MIDDLE });
    await world.running({ content: 'others', observed_at: MIDDLE, identity: other });
    await claim(world, { ...cached, content: 'one' });
    const jobs = world.cluster.jobs.values();
    expect(jobs.filter((job) => readEnded(job)).map(({ metadata }) => metadata?.name)).toEqual([nameOf('old')]);
    const old = await world.cluster.getJob(nameOf('old'));
    expect(readEnded(old ?? {})).toMatchObject({ status: 'superseded', message: expect.stringContaining(NEW) });
    expect(old?.metadata?.deletionTimestamp).toBeDefined();
  });

  test('ends no build where it is not deployed itself', async () => {
    const world = await recorded();
    await world.running({ content: 'old', observed_at: MIDDLE });
    world.buried(NEW);
    expect(await claim(world, cached)).toMatchObject({ data: { status: 'cancelled' } });
    expect(readEnded((await world.cluster.getJob(nameOf('old'))) ?? {})).toBeUndefined();
  });

  test('detaches a Job that an earlier delivery of its request has begun: a request has one end', async () => {
    const world = await recorded();
    await world.running({ content: 'old', observed_at: MIDDLE, id: 'twice' });
    await claim(world, { ...cached, id: terminalId('twice') });
    const old = (await world.cluster.getJob(nameOf('old'))) ?? {};
    expect(readEnded(old)).toBeDefined();
    expect(terminalId(readBuild(old)?.event_id ?? '')).not.toBe(terminalId('twice'));
  });

  test.each<{ case: string; path: string; claimed: Parameters<typeof successClaim>[0] }>([
    { case: 'no record', path: 'data', claimed: { ...cached, fingerprint: keyOf('unknown') } },
    {
      case: 'another digest',
      path: 'data',
      claimed: { ...cached, image_uri: imageOf(ACME, `sha256:${'e'.repeat(64)}`) },
    },
    { case: 'another repository', path: 'data', claimed: { ...cached, image_uri: `registry.local/evil@${DIGEST}` } },
    {
      case: 'another parser’s record',
      path: 'data',
      claimed: { ...cached, identity: { ...ACME, third_party_id: 'other' } },
    },
    {
      case: 'a time to come',
      path: 'data.observed_at',
      claimed: { ...cached, observed_at: '2026-01-02T13:00:00.000Z' },
    },
  ])('is rejected and changes nothing: $case', async ({ path, claimed }) => {
    const world = await recorded();
    const before = world.state();
    expect(await claim(world, claimed)).toMatchObject(rejected(path));
    expect(world.state()).toEqual(before);
  });
});

test.each<{ case: string; given: (world: World) => Promise<unknown>; claim: Parameters<typeof complete>[1] }>([
  { case: 'still runs', given: (world) => world.running(), claim: {} },
  {
    case: 'is another parser’s',
    given: (world) => world.succeeded({ identity: { third_party_id: 'other', parser_id: 'p1' } }),
    claim: { job_name: nameOf('one', { third_party_id: 'other', parser_id: 'p1' }) },
  },
])('a success whose Job $case is rejected and changes nothing', async ({ given, claim }) => {
  const world = new World();
  await given(world);
  const before = world.state();
  expect(await complete(world, claim)).toMatchObject(rejected('data.job_name'));
  expect(world.state()).toEqual(before);
});

test('a record under a fingerprint that somebody else claimed is neither believed nor replaced', async () => {
  const world = new World();
  await world.succeeded();
  await complete(world);
  const kept = world.store.peek(TEMPORARY_BUCKET, recordKey())?.toString();
  const other = { third_party_id: 'other', parser_id: 'p1' };
  await world.succeeded({ identity: other });
  expect(await complete(world, { identity: other, job_name: nameOf('one', other) })).toMatchObject({
    type: 'lifecycle.build.completed',
  });
  expect(world.store.peek(TEMPORARY_BUCKET, recordKey())?.toString()).toBe(kept);
  expect(await readRecord(world.store, TEMPORARY_BUCKET, keyOf('f-one'), other)).toBeUndefined();
  expect(await readRecord(world.store, TEMPORARY_BUCKET, keyOf('f-one'), ACME)).toBeDefined();
});

test('what Knative refuses fails the build, with its words, and the Job is let go of', async () => {
  const world = new World();
  await world.succeeded();
  world.cluster.applyService = async () => {
    throw new PermanentError('Refused', 'requests above limits: mend, then send build.start');
  };
  expect(await complete(world)).toMatchObject(failed('failed', 'Refused'));
  expect((await world.cluster.getJob(nameOf()))?.metadata?.finalizers).toEqual([]);
});

describe('the delivery of calls', () => {
  const deployWith = (world: World, delivery: 'shared' | 'own', parameters = {}) =>
    buildComplete(successClaim({ job_name: nameOf(), parameters }), {
      ...world.deps(),
      settings: { ...functionSettings, delivery },
    });
  const annotation = (world: World) => world.cluster.services.get(NAME)?.metadata.annotations?.[DELIVERY_ANNOTATION];
  const ready = (world: World) =>
    world.cluster.triggers.change(NAME, (trigger) => {
      trigger['status'] = {
        observedGeneration: trigger.metadata.generation ?? 1,
        conditions: [{ type: 'Ready', status: 'True' }],
      };
    });

  test('is shared, without any Trigger, unless the request or the setting says otherwise', async () => {
    const world = new World();
    await world.succeeded();
    await deployWith(world, 'shared');
    expect([annotation(world), world.cluster.triggers.size]).toEqual(['shared', 0]);
  });

  test.each([
    { by: 'the request', parameters: { delivery: 'own' as const }, setting: 'shared' as const },
    { by: 'the setting', parameters: {}, setting: 'own' as const },
    {
      by: 'a time-out that the shared queue does not give',
      parameters: { timeout_seconds: 301 },
      setting: 'shared' as const,
    },
  ])('is its own by $by, but only once its Trigger is Ready', async ({ parameters, setting }) => {
    const world = new World();
    await world.succeeded({ parameters });
    await deployWith(world, setting);
    expect([annotation(world), world.cluster.triggers.size]).toEqual(['shared', 1]);
    ready(world);
    await world.succeeded({ content: 'two', observed_at: NEW, parameters });
    await complete(world, { content: 'two', observed_at: NEW, parameters });
    expect(annotation(world)).toBe('own');
  });

  test('is shared as long as sweep may delete its Trigger', async () => {
    const world = new World();
    await world.deployed({ observed_at: OLD });
    ready(world);
    world.cluster.triggers.change(NAME, ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, [UNUSED_SINCE]: OLD };
    });
    await world.succeeded();
    await deployWith(world, 'own');
    expect(annotation(world)).toBe('shared');
  });

  test('of an older installation is left as it is, since a filter cannot be changed', async () => {
    const world = new World();
    await world.deployed({ observed_at: OLD });
    world.cluster.triggers.change(NAME, (trigger) => {
      trigger['spec'].filter.attributes = { type: 'parser.start', subject: 'acme/p1' };
    });
    ready(world);
    await world.succeeded();
    await deployWith(world, 'own');
    expect(annotation(world)).toBe('shared');
    expect(world.cluster.triggers.get(NAME)?.spec.filter.attributes.type).toBe('parser.start');
  });
});
