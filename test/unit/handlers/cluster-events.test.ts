/** What changes of Jobs and Services mean, and when they mean nothing. */
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { changedObject } from '#functions/cluster-events/changed-object.ts';
import { handleClusterEvent } from '#functions/cluster-events/handler.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalEvent } from '#shared/builds/terminal-event.ts';
import { deriveId } from '#shared/events/event.ts';
import { functionName } from '#shared/specs/names.ts';
import { received } from '#test/fakes/received.ts';
import { ACME, imageOf, MIDDLE, nameOf, World } from './world.ts';

/** As ApiServerSource sends an object: whatever JSON makes of it, checked by the schema. */
const changed = (world: World, object: unknown) =>
  handleClusterEvent(
    received('dev.knative.apiserver.resource.update', changedObject.parse(JSON.parse(JSON.stringify(object)))),
    world.deps(),
    { log: pino({ level: 'silent' }) },
  );

describe('a Job', () => {
  test('that succeeded is told as its sidecar would, under the same id', async () => {
    const world = new World();
    const job = await world.succeeded();
    const outcome = outcomeOf(job, [...world.cluster.pods.values()]);
    if (!outcome) {
      throw new Error('no outcome');
    }
    expect(await changed(world, job)).toEqual(terminalEvent(job, outcome));
    expect(outcome).toMatchObject({ status: 'success', image_uri: imageOf() });
  });

  test.each<{ case: string; given: (world: World) => Promise<unknown>; data: object }>([
    { case: 'that failed', given: (world) => world.failed(), data: { status: 'failed', reason: 'BuildFailed' } },
    {
      case: 'deleted by hand',
      given: async (world) => {
        await world.running();
        await world.cluster.deleteJob(nameOf());
      },
      data: { status: 'cancelled', reason: 'Cancelled' },
    },
  ])('$case is told', async ({ given, data }) => {
    const world = new World();
    await given(world);
    expect(await changed(world, await world.cluster.getJob(nameOf()))).toMatchObject({
      type: 'build.complete',
      subject: 'acme/p1',
      correlationId: 'correlation-one',
      causationId: 'ask-one',
      data: { ...ACME, job_name: nameOf(), ...data },
    });
  });

  test('told again and again is told under one id', async () => {
    const world = new World();
    const job = await world.failed();
    const [first, second] = [await changed(world, job), await changed(world, job)];
    expect(second).toEqual(first);
  });

  test.each<{ case: string; given: (world: World) => Promise<unknown>; seen?: (world: World) => unknown }>([
    { case: 'that runs', given: (world) => world.running() },
    { case: 'whose end has been processed', given: async (world) => world.released(await world.failed()) },
    {
      case: 'whose end was processed after this was sent',
      given: async (world) => {
        const job = await world.failed();
        await world.released(job);
        Object.assign(world, { seen: job });
      },
      seen: (world) => (world as World & { seen: unknown }).seen,
    },
    {
      case: 'that is gone',
      given: async (world) => {
        Object.assign(world, { seen: await world.failed() });
        world.cluster.jobs.clear();
      },
      seen: (world) => (world as World & { seen: unknown }).seen,
    },
    {
      case: 'that another of its name has replaced',
      given: async (world) => {
        Object.assign(world, { seen: await world.failed() });
        world.cluster.jobs.clear();
        await world.failed();
      },
      seen: (world) => (world as World & { seen: unknown }).seen,
    },
    {
      case: 'that is not ours',
      given: async (world) => {
        await world.failed();
        world.cluster.jobs.change(nameOf(), ({ metadata }) => {
          metadata.labels = { ...metadata.labels, 'app.kubernetes.io/managed-by': 'x' };
        });
      },
    },
  ])('$case means nothing', async ({ given, seen = (world) => world.cluster.jobs.get(nameOf()) }) => {
    const world = new World();
    await given(world);
    expect(await changed(world, seen(world))).toBeUndefined();
  });
});

describe('a Service', () => {
  const NAME = functionName(ACME);

  async function withStatus(status: object, metadata: object = {}, annotations: object = {}): Promise<unknown> {
    const world = new World();
    await world.deployed({ observed_at: MIDDLE });
    world.cluster.services.change(NAME, (service) => {
      Object.assign(service.metadata, { generation: 2 }, metadata);
      Object.assign(service.metadata.annotations ?? {}, annotations);
      service['status'] = { observedGeneration: 2, latestCreatedRevisionName: `${NAME}-00002`, ...status };
    });
    return changed(world, world.cluster.services.get(NAME));
  }

  const ready = (status: string, message?: string) => ({ type: 'Ready', status, ...(message ? { message } : {}) });

  const configured = (status: string, message?: string) => ({ ...ready(status, message), type: 'ConfigurationsReady' });

  test('that became ready is told once a revision', async () => {
    const event = await withStatus({
      latestReadyRevisionName: `${NAME}-00002`,
      address: { url: `http://${NAME}.ns.svc.cluster.local` },
      conditions: [ready('True')],
    });
    expect(event).toEqual({
      type: 'lifecycle.function.ready',
      id: deriveId('lifecycle.function.ready', `service-${NAME}-1`, `${NAME}-00002`),
      subject: 'acme/p1',
      correlationId: 'correlation-one',
      causationId: 'ask-one',
      data: {
        ...ACME,
        correlation_id: 'correlation-one',
        service_name: NAME,
        revision: `${NAME}-00002`,
        image_uri: imageOf(),
        url: `http://${NAME}.ns.svc.cluster.local`,
      },
    });
  });

  test('is told as it is, not as an event says: anybody can send one', async () => {
    const world = new World();
    await world.deployed({ observed_at: MIDDLE });
    const status = {
      latestCreatedRevisionName: `${NAME}-00002`,
      latestReadyRevisionName: `${NAME}-00002`,
      address: { url: 'http://evil.example' },
      conditions: [ready('True')],
    };
    expect(await changed(world, { ...world.cluster.services.get(NAME), status })).toBeUndefined();
  });

  const revisionReady = { latestReadyRevisionName: `${NAME}-00002`, conditions: [ready('True')] };

  /** With what its build.start asked for, and the way by which its calls come now. */
  const called = (parameters: object, delivery: string) => ({
    'knative-lambda/parameters': JSON.stringify(parameters),
    'knative-lambda/delivery': delivery,
  });

  test('whose calls may take longer than the shared way lets them is told when its own queue is bound', async () => {
    expect(await withStatus(revisionReady, {}, called({ timeout_seconds: 600 }, 'shared'))).toBeUndefined();
    expect(await withStatus(revisionReady, {}, called({ timeout_seconds: 600 }, 'own'))).toMatchObject({
      type: 'lifecycle.function.ready',
    });
  });

  test('with a queue of its own that is not bound yet is told, for the shared way brings its calls', async () => {
    expect(await withStatus(revisionReady, {}, called({ delivery: 'own' }, 'shared'))).toMatchObject({
      type: 'lifecycle.function.ready',
    });
  });

  test('that does not become ready is told with what Knative says, and what to do', async () => {
    expect(
      await withStatus({
        conditions: [
          ready('False', 'The route has no revision.'),
          configured('False', 'Container failed with: no database here.'),
        ],
      }),
    ).toMatchObject({
      type: 'lifecycle.function.failed',
      data: {
        ...ACME,
        reason: 'FunctionNotReady',
        error_message: expect.stringMatching(/no database here.*build\.start.*kubectl describe ksvc/s),
      },
    });
  });

  test.each<{ case: string; status: object; metadata?: object }>([
    { case: 'still starting', status: { conditions: [ready('Unknown')] } },
    {
      case: 'ready with its former revision only',
      status: { latestReadyRevisionName: `${NAME}-00001`, conditions: [ready('True')] },
    },
    {
      case: 'whose status is older than its spec',
      status: { observedGeneration: 1, latestReadyRevisionName: `${NAME}-00002`, conditions: [ready('True')] },
    },
    {
      case: 'whose route is not made yet, though its revision is ready',
      status: {
        latestReadyRevisionName: `${NAME}-00002`,
        conditions: [ready('False', 'Failed to update the service'), configured('True')],
      },
    },
    {
      case: 'whose pod waits for a node',
      status: {
        conditions: [
          ready('False', 'no revision'),
          configured('False', 'Revision "x" failed with message: 0/3 nodes are available: 3 Insufficient cpu.'),
        ],
      },
    },
    { case: 'without conditions', status: {} },
    {
      case: 'being deleted',
      status: { latestReadyRevisionName: `${NAME}-00002`, conditions: [ready('True')] },
      metadata: { deletionTimestamp: MIDDLE },
    },
    {
      case: 'not ours',
      status: { latestReadyRevisionName: `${NAME}-00002`, conditions: [ready('True')] },
      metadata: { labels: {} },
    },
    {
      case: 'whose annotations are not ours',
      status: { latestReadyRevisionName: `${NAME}-00002`, conditions: [ready('True')] },
      metadata: { annotations: {} },
    },
  ])('$case means nothing', async ({ status, metadata }) => {
    expect(await withStatus(status, metadata)).toBeUndefined();
  });
});

test('any other object means nothing', async () => {
  const other = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', uid: 'y' } };
  expect(await changed(new World(), other)).toBeUndefined();
});
