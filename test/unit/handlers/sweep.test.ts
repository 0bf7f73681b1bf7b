/** What sweep mends, what it leaves alone, and that it does no more than a run's share. */
import { beforeEach, describe, expect, test } from 'vitest';
import { sweepAndMark } from '#functions/sweep/handler.ts';
import { endJob, superseded } from '#shared/builds/end-job.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalEvent } from '#shared/builds/terminal-event.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { deriveId } from '#shared/events/event.ts';
import type { KubeObject, ObjectMeta } from '#shared/kubernetes/object.ts';
import { ENDED_ANNOTATION, readEnded } from '#shared/specs/annotations.ts';
import { DELIVERY_ANNOTATION, UNUSED_SINCE } from '#shared/specs/delivery.ts';
import { kanikoJob } from '#shared/specs/kaniko-job.ts';
import { functionName } from '#shared/specs/names.ts';
import { LAST_SWEEP } from '#shared/specs/s3-keys.ts';
import { requestKey, SweptWorld } from './sweep-world.ts';
import { ACME, jobSettings, jobStartEvent, keyOf, MIDDLE, NEW, nameOf, OLD, TEMPORARY_BUCKET } from './world.ts';

const NAME = functionName(ACME);
const DAY = 24 * 60;

const READY = (trigger: KubeObject) => {
  const observedGeneration = trigger.metadata.generation ?? 1;
  trigger['status'] = { observedGeneration, conditions: [{ type: 'Ready', status: 'True' }] };
};
const changeTrigger = (change: (trigger: KubeObject) => void) => world.cluster.triggers.change(NAME, change);

let world: SweptWorld;
beforeEach(() => {
  world = new SweptWorld();
});

test('a world in order is left as it is, and said to be', async () => {
  await world.deployed();
  await world.running();
  const before = world.state();

  expect(await world.swept()).toEqual({});
  expect(world.state()).toEqual(before);
  expect(world.sent).toEqual([]);
  expect(world.lines).toMatchObject([{ level: 30, msg: 'swept', swept: { terminal_events: 0, errors: 0 } }]);
});

describe('terminal events', () => {
  test.each([
    { case: 'of a success', given: () => world.succeeded(), data: { status: 'success' } },
    { case: 'of a failure', given: () => world.failed(), data: { status: 'failed' } },
    {
      case: 'of a Job deleted by hand',
      given: async () => {
        await world.running();
        await world.cluster.deleteJob(nameOf());
      },
      data: { status: 'cancelled' },
    },
  ])('$case that nobody processed are told again, under the same id', async ({ given, data }) => {
    await given();
    world.later(1);

    expect(await world.swept()).toEqual({ terminal_events: 1 });
    const job = await world.cluster.getJob(nameOf());
    const outcome = job && outcomeOf(job, [...world.cluster.pods.values()]);
    if (!job || !outcome) {
      throw new Error('no outcome');
    }
    expect(world.sent).toMatchObject([
      {
        type: 'build.complete',
        id: terminalEvent(job, outcome).id,
        source: 'knative-lambda',
        subject: 'acme/p1',
        correlationid: 'correlation-one',
        data: { ...ACME, ...data },
      },
    ]);
  });

  test('of Jobs that run, that ended just now, or whose end is processed are not', async () => {
    await world.running({ content: 'runs' });
    await world.released(await world.failed({ content: 'processed' }));
    world.later(1);
    await world.failed({ content: 'just now' });

    expect(await world.swept()).toEqual({});
  });
});

describe('waiting builds', () => {
  const waiting = (content: string) => world.cluster.createJob(kanikoJob(jobStartEvent({ content }), jobSettings));

  test('are let run where there is room', async () => {
    await waiting('one');

    expect(await world.swept()).toEqual({ admitted: 1 });
    expect((await world.cluster.getJob(nameOf()))?.spec?.suspend).toBe(false);
  });

  test('end after a day without room, so that whoever asked has an answer', async () => {
    for (let running = 1; running <= 10; running++) {
      await world.running({ content: `r${running}`, identity: { ...ACME, parser_id: `r${running}` } });
    }
    await waiting('patient');
    world.later(DAY - 1);
    expect(await world.swept()).toEqual({});

    world.later(1);
    expect(await world.swept()).toEqual({ jobs_ended: 1 });
    const job = await world.cluster.getJob(nameOf('patient'));
    expect(job && outcomeOf(job, [])).toMatchObject({
      status: 'timeout',
      reason: 'BuildTimeout',
      error_message: expect.stringMatching(/24 hours.*MAX_CONCURRENT_BUILDS.*build\.start/),
    });

    world.later(1);
    expect(await world.swept()).toEqual({ terminal_events: 1 });
  });
});

describe('requests', () => {
  test('that nobody answered are sent again as they were, after 2, 4, 8, 16 and 32 minutes, and then ended', async () => {
    const id = world.asked();
    const asked = world.now.toISOString();
    const told: unknown[] = [];
    for (let minute = 1; minute <= 66; minute++) {
      world.later(1);
      await world.swept();
      told.push(...world.sent.splice(0).map(({ type, resent }) => [minute, type, resent]));
      if (minute === 2) {
        expect(world.store.json(TEMPORARY_BUCKET, requestKey(id))).toMatchObject({ event: { resent: '1' } });
      }
    }
    expect(told).toEqual([
      [2, 'build.start', '1'],
      [4, 'build.start', '2'],
      [8, 'build.start', '3'],
      [16, 'build.start', '4'],
      [32, 'build.start', '5'],
      // Until build-complete has processed it and removes the request.
      [64, 'build.complete', undefined],
      [65, 'build.complete', undefined],
      [66, 'build.complete', undefined],
    ]);
    expect(asked).toBe('2026-01-02T12:00:00.000Z');
  });

  test('are sent with their own source, id, data and extensions', async () => {
    world.asked({ tenantregion: 'eu', time: OLD });
    const first = world.now.toISOString();
    world.later(3);

    expect(await world.swept()).toEqual({ requests_resent: 1 });
    expect(world.sent).toMatchObject([
      {
        type: 'build.start',
        id: 'start-1',
        source: 'client',
        time: OLD,
        correlationid: 'chain-1',
        tenantregion: 'eu',
        resent: '1',
        firstseen: first,
        data: { ...ACME, priority: 5 },
      },
    ]);
    expect(world.measured).toContainEqual({ oldest: 180 });
  });

  test('end with the id that their build would have ended with, a reason and advice', async () => {
    const id = world.asked({ resent: '5', firstseen: OLD });
    world.later(33);

    expect(await world.swept()).toEqual({ requests_ended: 1 });
    expect(world.sent).toMatchObject([
      {
        type: 'build.complete',
        id,
        source: 'knative-lambda',
        subject: 'acme/p1',
        correlationid: 'chain-1',
        causationid: 'start-1',
        data: {
          ...ACME,
          correlation_id: 'chain-1',
          status: 'failed',
          reason: 'NotProcessed',
          error_message: expect.stringMatching(/5 times.*dead letters.*build\.start/),
        },
      },
    ]);
  });

  test('of a function that was deleted since are cancelled', async () => {
    const id = world.askedAt(OLD);
    world.buried(MIDDLE);
    world.later(2);

    expect(await world.swept()).toEqual({ requests_ended: 1 });
    expect(world.sent).toMatchObject([
      { type: 'build.complete', id, data: { status: 'cancelled', reason: 'Cancelled' } },
    ]);
  });

  test('that have become a Job are forgotten: its finalizer keeps them', async () => {
    const id = world.asked();
    const event = { ...jobStartEvent(), id: deriveId('client', 'start-1', 'job.start') };
    await world.cluster.createJob(kanikoJob(event, jobSettings));
    world.later(2);

    expect(await world.swept()).toMatchObject({ requests_forgotten: 1 });
    expect(world.store.peek(TEMPORARY_BUCKET, requestKey(id))).toBeUndefined();
    expect(world.sent).toEqual([]);
  });

  test('after an outage of an hour are sent again before they are given up', async () => {
    world.asked();
    world.later(90);
    expect(await world.swept()).toEqual({ requests_resent: 1 });
    expect(await world.later(1).swept()).toEqual({});
    expect(await world.later(1).swept()).toEqual({ requests_resent: 1 });
  });

  test('that the Broker does not take keep their attempts', async () => {
    world.asked();
    world.later(2);
    const { send } = world.broker;
    world.broker.send = async () => {
      throw new RetryableError('BrokerUnavailable', 'down');
    };
    for (let run = 1; run <= 10; run++) {
      expect(await world.swept()).toEqual({ errors: 1 });
    }
    world.broker.send = send;
    expect(await world.swept()).toEqual({ requests_resent: 1 });
    expect(world.sent).toMatchObject([{ resent: '1' }]);
  });
});

describe('Jobs', () => {
  test('that were told to end and not deleted, since whoever told them died, are deleted for the reason they were given', async () => {
    const job = await world.running();
    const reason = superseded({ correlation_id: 'newer', observed_at: NEW });
    await world.cluster.patchJob(nameOf(), {
      metadata: { annotations: { [ENDED_ANNOTATION]: JSON.stringify(reason) } },
    });

    expect(await world.swept()).toEqual({ jobs_ended: 1 });
    const ended = await world.cluster.getJob(nameOf());
    expect(ended?.metadata?.uid).toBe(job.metadata?.uid);
    expect(ended?.metadata?.deletionTimestamp).toBeDefined();
    expect(ended && readEnded(ended)).toEqual(reason);
  });

  test('whose pods nodes end again and again are ended after five, and whoever asked is told what the node said', async () => {
    await world.running();
    const evict = () => {
      const message = 'Container kaniko exceeded its local ephemeral storage limit "10Gi".';
      world.cluster.runPod(nameOf(), { exitCode: 137 }, { phase: 'Failed', reason: 'Evicted', message });
    };
    for (let pod = 1; pod < 5; pod++) {
      evict();
    }
    world.cluster.runPod(nameOf(), { exitCode: 1 }, { phase: 'Failed' });
    expect(await world.swept()).toEqual({});

    evict();
    expect(await world.swept()).toEqual({ jobs_ended: 1 });
    const job = await world.cluster.getJob(nameOf());
    expect(job?.metadata?.deletionTimestamp).toBeDefined();
    expect(job && outcomeOf(job, [])).toMatchObject({
      status: 'failed',
      reason: 'Evicted',
      error_message: expect.stringMatching(/ended 5 of its pods.*"10Gi".*BUILD_EPHEMERAL_STORAGE_LIMIT/),
    });
  });

  test('that are finished and processed are deleted where a day later they are still there', async () => {
    await world.released(await world.failed());
    expect(await world.later(DAY - 1).swept()).toEqual({});
    expect(await world.later(1).swept()).toEqual({ jobs_deleted: 1 });
    expect(world.cluster.jobs.size).toBe(0);
  });

  test('that end while they are told that they have waited too long keep their end', async () => {
    await world.failed();
    const job = await world.cluster.getJob(nameOf());
    await endJob(world.cluster, nameOf(), job?.metadata?.uid, {
      status: 'timeout',
      reason: 'BuildTimeout',
      message: 'x',
    });
    expect(await world.cluster.getJob(nameOf())).toEqual(job);
  });
});

describe('contexts', () => {
  const key = (content: string, parser = 'p1') => `contexts/acme/${parser}/${keyOf(content)}.tar.zst`;
  const put = (...keys: string[]) => {
    for (const each of keys) {
      world.store.put(TEMPORARY_BUCKET, each, 'x');
    }
  };

  test('that a Job of a version before needs stay', async () => {
    const former = key('running').replace(/zst$/, 'gz');
    put(former, key('old').replace(/zst$/, 'gz'));
    world.later(DAY);
    await world.running({ content: 'running' });
    expect(await world.swept()).toEqual({ contexts_deleted: 1 });
    expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/')).toEqual([former]);
  });

  test('of a day ago go, half packed ones too; those that a Job or a request needs, and young ones, stay', async () => {
    put(key('old'), 'contexts/acme/p1/.staging-1', key('running'), key('asked for', 'p2'));
    world.later(DAY);
    put(key('young'));
    await world.running({ content: 'running' });
    world.asked({}, { ...ACME, parser_id: 'p2' });

    expect(await world.swept()).toEqual({ contexts_deleted: 2 });
    expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/')).toEqual(
      [key('running'), key('young'), key('asked for', 'p2')].sort(),
    );
  });

  test('no more than 200 a run; the next one goes on', async () => {
    put(...Array.from({ length: 250 }, (_, number) => key(`${number}`)));
    world.later(DAY);
    expect(await world.swept()).toEqual({ contexts_deleted: 200 });
    expect(await world.swept()).toEqual({ contexts_deleted: 50 });
  });
});

describe('answers', () => {
  test('of a day ago go, once an hour; young ones stay', async () => {
    world.store.put(TEMPORARY_BUCKET, 'answers/acme/p1/old.json', '{}');
    world.later(DAY);
    world.store.put(TEMPORARY_BUCKET, 'answers/acme/p1/young.json', '{}');
    expect(await world.swept()).toEqual({});
    world.later(7);
    expect(await world.swept()).toEqual({ answers_deleted: 1 });
    expect(world.store.keys(TEMPORARY_BUCKET, 'answers/')).toEqual(['answers/acme/p1/young.json']);
  });

  test('and what says which builds began then', async () => {
    world.store.put(TEMPORARY_BUCKET, 'begun/acme/1/old', '');
    world.later(DAY);
    world.store.put(TEMPORARY_BUCKET, 'begun/acme/2/young', '');
    world.later(7);
    expect(await world.swept()).toEqual({ answers_deleted: 1 });
    expect(world.store.keys(TEMPORARY_BUCKET, 'begun/')).toEqual(['begun/acme/2/young']);
  });
});

describe('functions', () => {
  test('whose Trigger is gone get the same one again', async () => {
    await world.deployed();
    const before = world.state();
    world.cluster.triggers.clear();

    expect(await world.later(1).swept()).toEqual({ triggers_restored: 1 });
    expect(world.state()).toEqual(before);
  });

  test.each<{ case: string; given: (metadata: ObjectMeta) => unknown }>([
    {
      case: 'was applied just now',
      given: (metadata) => Object.assign(metadata, { creationTimestamp: world.now.toISOString() }),
    },
    {
      case: 'is being deleted',
      given: (metadata) => Object.assign(metadata, { deletionTimestamp: world.now.toISOString() }),
    },
    { case: 'is of a function that is being deleted', given: () => world.buried(NEW) },
    { case: 'is not ours any more', given: (metadata) => Object.assign(metadata, { annotations: {} }) },
  ])('whose Service $case get none', async ({ given }) => {
    await world.deployed();
    world.cluster.triggers.clear();
    world.later(1);
    world.cluster.services.change(NAME, ({ metadata }) => given(metadata));

    expect(await world.swept()).toEqual({});
  });

  test('say that their calls have a queue of their own once its Trigger is Ready', async () => {
    await world.deployed({ observed_at: OLD });
    expect(await world.later(1).swept()).toEqual({});
    changeTrigger(READY);
    expect(await world.swept()).toEqual({ deliveries_changed: 1 });
    expect(world.cluster.services.get(NAME)?.metadata.annotations?.[DELIVERY_ANNOTATION]).toBe('own');
    expect(await world.swept()).toEqual({});
  });

  test('say that it is shared where the Trigger is gone, before that is restored', async () => {
    await world.deployed({ observed_at: OLD });
    changeTrigger(READY);
    await world.later(1).swept();
    world.cluster.triggers.clear();
    expect(await world.swept()).toEqual({ deliveries_changed: 1 });
    expect(await world.swept()).toEqual({ triggers_restored: 1 });
  });

  test.each([
    { which: 'that is its own', change: () => undefined },
    {
      which: 'of an older installation',
      change: (trigger: KubeObject) => {
        trigger['spec'].filter.attributes = { type: 'parser.start', subject: 'acme/p1' };
      },
    },
  ])('whose calls are shared lose a Trigger $which, once its queue had an hour to drain', async ({ change }) => {
    await world.deployed({ observed_at: OLD, parameters: { delivery: 'shared' } });
    changeTrigger(change);
    expect(await world.later(1).swept()).toEqual({});
    expect(await world.later(59).swept()).toEqual({});
    expect(await world.later(1).swept()).toEqual({ triggers_deleted: 1 });
  });

  const parameters = (value: object) =>
    world.cluster.services.change(NAME, ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, 'knative-lambda/parameters': JSON.stringify(value) };
    });
  const said = () => world.cluster.services.get(NAME)?.metadata.annotations?.[DELIVERY_ANNOTATION];
  const unusedSince = () => world.cluster.triggers.get(NAME)?.metadata.annotations?.[UNUSED_SINCE];

  test('that no longer want their queue share the other, and what waits in theirs has an hour from then on', async () => {
    await world.deployed({ observed_at: OLD });
    changeTrigger(READY);
    await world.later(1).swept();
    expect(said()).toBe('own');

    parameters({ delivery: 'shared' });
    expect(await world.swept()).toEqual({ deliveries_changed: 1 });
    expect([said(), unusedSince()]).toEqual(['shared', undefined]);
    await world.swept();
    expect(unusedSince()).toBe(world.now.toISOString());
  });

  test('that want their queue again do so once it is not about to be deleted', async () => {
    await world.deployed({ observed_at: OLD, parameters: { delivery: 'shared' } });
    changeTrigger(READY);
    await world.later(1).swept();
    expect(unusedSince()).toBeDefined();

    parameters({ delivery: 'own' });
    expect(await world.later(90).swept()).toEqual({});
    expect([said(), unusedSince()]).toEqual(['shared', undefined]);
    expect(await world.swept()).toEqual({ deliveries_changed: 1 });
    expect(said()).toBe('own');
  });

  test('that say to have a queue, and have the Trigger of an older installation, share the other', async () => {
    await world.deployed({ observed_at: OLD });
    changeTrigger(READY);
    await world.later(1).swept();
    changeTrigger((trigger) => {
      trigger['spec'].filter.attributes = { type: 'parser.start', subject: 'acme/p1' };
    });
    expect(await world.swept()).toEqual({ deliveries_changed: 1 });
    expect(said()).toBe('shared');
  });

  test('of an older installation keep their Trigger, and are called by the door where they have none', async () => {
    await world.deployed({ observed_at: OLD });
    world.cluster.services.change(NAME, ({ metadata }) => delete metadata.annotations?.[DELIVERY_ANNOTATION]);
    expect(await world.later(100).swept()).toEqual({});
    world.cluster.triggers.clear();
    expect(await world.swept()).toEqual({ deliveries_changed: 1 });
  });

  test('a Trigger without its Service is deleted when the door has answered what waits in its queue', async () => {
    await world.deployed();
    world.cluster.services.clear();

    expect(await world.swept()).toEqual({});
    // A call that the function was making when it went may take ten minutes to fail, and comes again.
    expect(await world.later(14).swept()).toEqual({});
    expect(await world.later(1).swept()).toEqual({ triggers_deleted: 1 });
    expect(world.cluster.triggers.size).toBe(0);
  });

  test('that a service.delete has buried and not removed are removed, once it had its time', async () => {
    await world.deployed({ observed_at: OLD });
    world.buried(MIDDLE);
    expect(await world.swept()).toEqual({});

    expect(await world.later(1).swept()).toEqual({ functions_removed: 1 });
    expect(world.cluster.services.size).toBe(0);
  });

  test('built again stay, although their old tombstone was written again since', async () => {
    await world.deployed({ observed_at: MIDDLE });
    world.buried(OLD);

    expect(await world.later(1).swept()).toEqual({});
    expect(world.cluster.services.size).toBe(1);
  });

  test('built again after their deletion stay, and their tombstone is not even read', async () => {
    world.store.date = new Date(OLD);
    world.buried(OLD);
    world.later(0);
    await world.deployed({ observed_at: MIDDLE });
    world.later(1);

    expect(await world.swept()).toEqual({});
    expect(world.store.calls.filter((call) => call.startsWith('read') && call.includes('tombstones'))).toEqual([]);
  });
});

describe('what fails', () => {
  test('is reported, and everything else is done all the same', async () => {
    await world.deployed();
    world.cluster.triggers.clear();
    world.asked();
    await world.failed();
    world.later(2);
    world.store.failNext('list', new RetryableError('Unavailable', 'S3 is down'));

    expect(await world.swept()).toEqual({ terminal_events: 1, triggers_restored: 1, errors: 1 });
    expect(world.lines).toMatchObject([
      { level: 40, where: 'resendRequests', err: { message: 'S3 is down' } },
      { level: 40, msg: 'swept', swept: { errors: 1 } },
    ]);
  });

  test('for one object does not hold up the others', async () => {
    await world.deployed();
    world.askedAt(OLD);
    world.asked({}, { ...ACME, parser_id: 'p2' }, 'start-2');
    world.store.put(TEMPORARY_BUCKET, 'tombstones/acme/p1.json', 'not JSON');
    world.later(2);

    expect(await world.swept()).toMatchObject({ requests_resent: 1 });
    expect(world.lines.map(({ where }) => where)).toContain(requestKey(world.askedAt(OLD)));
  });

  test('three times in a row ends the step: it is not the objects that are at fault', async () => {
    for (let number = 1; number <= 10; number++) {
      world.asked({}, { ...ACME, parser_id: `p${number}` }, `start-${number}`);
    }
    world.later(2);
    let tries = 0;
    world.broker.send = async () => {
      tries += 1;
      throw new RetryableError('BrokerUnavailable', 'down');
    };
    expect(await world.swept()).toEqual({ errors: 3 });
    expect(tries).toBe(3);
  });

  test('without end leaves room for the others in another minute', async () => {
    for (let number = 1; number <= 300; number++) {
      await world.failed({ content: `${number}`, identity: { ...ACME, parser_id: `p${number}` } });
    }
    const told = new Set<unknown>();
    for (let run = 1; run <= 3; run++) {
      world.later(1);
      expect(await world.swept()).toEqual({ terminal_events: 200 });
      for (const { subject } of world.sent.splice(0)) {
        told.add(subject);
      }
    }
    expect(told.size).toBe(300);
  });
});

test('builds that wait and builds that run are measured', async () => {
  for (let running = 1; running <= 10; running++) {
    await world.running({ content: `r${running}`, identity: { ...ACME, parser_id: `r${running}` } });
  }
  await world.cluster.createJob(kanikoJob(jobStartEvent({ content: 'waits' }), jobSettings));
  await world.failed({ content: 'over' });

  await world.swept();
  expect(world.measured).toContainEqual({ waiting: 1, running: 10 });
  expect(world.measured).toContainEqual({ oldest: 0 });
});

test('the age of the oldest dead letter that is open is measured', async () => {
  const day = world.now.toISOString().slice(0, 10);
  const letter = (id: string, hoursAgo: number) => {
    const first_at = new Date(world.now.getTime() - hoursAgo * 3_600_000).toISOString();
    const text = JSON.stringify({ id, event: {}, category: 'transient', reason: 'Unavailable', first_at });
    world.store.put(TEMPORARY_BUCKET, `dead-letters/${day}/${id}.json`, text);
  };
  letter('a'.repeat(32), 5);
  world.store.put(TEMPORARY_BUCKET, `dead-letters/${day}/${'a'.repeat(32)}.replayed-1.json`, '{}');
  letter('b'.repeat(32), 2);

  await world.swept();
  expect(world.measured).toContainEqual({ letter: 7200 });
});

test('downloads to which nothing was added for a month go, once an hour', async () => {
  world.store.put(TEMPORARY_BUCKET, 'downloads/acme/npm.tar.zst', 'x');
  world.later(DAY);
  world.store.put(TEMPORARY_BUCKET, 'downloads/acme/go.tar.zst', 'x');
  world.later(29 * DAY + 22);
  expect(await world.swept()).toEqual({});
  world.later(1);
  expect(await world.swept()).toEqual({ downloads_deleted: 1 });
  expect(world.store.keys(TEMPORARY_BUCKET, 'downloads/')).toEqual(['downloads/acme/go.tar.zst']);
});

test('leaves word for doctor that it was done, and does not fail where it cannot', async () => {
  const deps = world.sweepDependencies();
  await sweepAndMark(deps, { log: world.log() });
  expect(world.state()).toMatchObject({ objects: { [LAST_SWEEP]: '' } });
  const broken = { ...deps, store: { ...deps.store, write: async () => Promise.reject(new Error('S3 is down')) } };
  await sweepAndMark(broken, { log: world.log() });
  expect(world.lines.at(-1)).toMatchObject({ msg: 'that sweep was done could not be kept' });
});
