/** Two of us at the same object: whoever comes second finds what the first has done, and does no harm to it. */
import type { V1Job } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { jobStart } from '#functions/job-start/handler.ts';
import { serviceDelete } from '#functions/service-delete/handler.ts';
import { cancelled, endJob, superseded } from '#shared/builds/end-job.ts';
import { releaseJob } from '#shared/builds/release-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { observedAt, readBuild, readEnded, TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import { received } from '#test/fakes/received.ts';
import { type Steps, stepped } from '#test/fakes/stepped.ts';
import {
  ACME,
  DIGEST,
  functionSettings,
  jobSettings,
  jobStartEvent,
  keyOf,
  MIDDLE,
  NEW,
  NOON,
  nameOf,
  OLD,
  successClaim,
  TEMPORARY_BUCKET,
  World,
} from './world.ts';

const NAME = functionName(ACME);
const LATER = new Date(NOON.getTime() + 60_000);

/**
 * Runs `first` once for each of its steps, with `second` happening just before that step, until it has no such step.
 */
async function interleaved(
  given: () => Promise<World>,
  first: (world: World, steps: Steps) => Promise<unknown>,
  second: (world: World) => Promise<unknown>,
  assess: (world: World, where: string) => Promise<void> | void,
): Promise<void> {
  for (let step = 1; ; step++) {
    const world = await given();
    const steps: Steps = { calls: [], before: async (at) => void (at === step && (await second(world))) };
    await first(world, steps);
    if (steps.calls.length < step) {
      expect(step).toBeGreaterThan(2);
      return;
    }
    await assess(world, `before step ${step}, ${steps.calls[step - 1]}`);
  }
}

async function runningJob(): Promise<World> {
  const world = new World();
  await world.running();
  return world;
}

const end = (world: World, reason: Parameters<typeof endJob>[3], steps?: Steps) =>
  endJob(steps ? stepped(world.cluster, steps) : world.cluster, nameOf(), 'job-build-p1-cadf1cf636-1', reason);
const newer = superseded({ correlation_id: 'newer', observed_at: NEW });

test('of two that end a Job the first one’s reason stays', async () => {
  await interleaved(
    runningJob,
    (world, steps) => end(world, newer, steps),
    (world) => end(world, cancelled(undefined)),
    async (world, where) => {
      const patched = where.includes('deleteJob') ? 'superseded' : 'cancelled';
      expect([where, readEnded((await world.cluster.getJob(nameOf())) ?? {})?.status]).toEqual([where, patched]);
    },
  );
});

test('a Job that has taken the name of the one to end is spared', async () => {
  await interleaved(
    runningJob,
    (world, steps) => end(world, newer, steps),
    async (world) => {
      world.cluster.jobs.clear();
      await world.running();
    },
    async (world, where) => {
      const job = await world.cluster.getJob(nameOf());
      const untouched = [job?.metadata?.deletionTimestamp, readEnded(job ?? {})];
      expect([where, ...untouched]).toEqual([where, undefined, undefined]);
    },
  );
});

test('a build that finishes while a newer one ends it keeps its end, or has been ended before', async () => {
  await interleaved(
    runningJob,
    (world, steps) => end(world, newer, steps),
    async (world) => world.cluster.succeed(nameOf()),
    async (world, where) => {
      const job = await world.cluster.getJob(nameOf());
      const isDeleted = job?.metadata?.deletionTimestamp !== undefined;
      expect([where, isDeleted]).toEqual([where, readEnded(job ?? {}) !== undefined]);
    },
  );
});

test('letting go of a Job leaves others’ finalizers, though they come at that moment', async () => {
  await interleaved(
    runningJob,
    async (world, steps) => {
      const job = (await world.cluster.getJob(nameOf())) as V1Job;
      await releaseJob(stepped(world.cluster, steps), job, new Date(NEW));
    },
    (world) =>
      world.cluster.patchJob(nameOf(), { metadata: { finalizers: [TERMINAL_EVENT_FINALIZER, 'foregroundDeletion'] } }),
    async (world, where) => {
      expect([where, (await world.cluster.getJob(nameOf()))?.metadata?.finalizers]).toEqual([
        where,
        ['foregroundDeletion'],
      ]);
    },
  );
});

test('a request that joins a build while its end is processed is deployed, at the latest when the event comes again', async () => {
  const complete = (world: World, steps?: Steps) =>
    buildComplete(successClaim({ job_name: nameOf(), observed_at: OLD }), {
      ...world.deps(steps),
      settings: functionSettings,
    });
  await interleaved(
    async () => {
      const world = new World();
      await world.running({ observed_at: OLD });
      world.cluster.runPod(nameOf(), { exitCode: 0, message: DIGEST });
      return world;
    },
    (world, steps) => complete(world, steps).catch(() => complete(world)),
    async (world) => {
      const joining = jobStartEvent({ id: 'joins', observed_at: NEW, parameters: { env: { MODE: 'new' } } });
      await jobStart(joining, { ...world.deps(), imageRegistry: undefined, settings: jobSettings });
      world.cluster.setStatus(nameOf(), { conditions: [{ type: 'Complete', status: 'True' }] });
    },
    async (world, where) => {
      const { event_id, observed_at } = readBuild((await world.cluster.getService(NAME)) ?? {}) ?? {};
      const told = JSON.parse(
        (await world.store.read(TEMPORARY_BUCKET, `answers/acme/p1/${terminalId('joins')}.json`)).text ?? '{}',
      );
      const joined = told.end === event_id;
      expect([where, joined ? observed_at : NEW]).toEqual([where, NEW]);
    },
  );
});

const remove = (world: World, id: string, steps?: Steps) =>
  serviceDelete(received('service.delete', ACME, { id, subject: 'acme/p1' }), world.deps(steps));

test('a function that is deployed anew while the old one is deleted stays, with its Trigger', async () => {
  await interleaved(
    async () => {
      const world = new World();
      await world.deployed({ content: 'old', observed_at: OLD });
      return world;
    },
    (world, steps) => remove(world, 'delete-1', steps),
    (world) => world.deployed({ content: 'new', observed_at: LATER.toISOString() }),
    (world, where) => {
      const stamps = [world.cluster.services, world.cluster.triggers].map((objects) =>
        observedAt(objects.get(NAME) ?? {}),
      );
      expect([where, ...stamps]).toEqual([where, LATER.getTime(), LATER.getTime()]);
    },
  );
});

test('of many deletions each is remembered', async () => {
  const world = new World();
  for (const n of [1, 2, 3]) {
    world.store.date = new Date(NOON.getTime() + n * 60_000);
    await remove(world, `delete-${n}`);
  }
  await world.deployed({ content: 'new', observed_at: new Date(NOON.getTime() + 5 * 60_000).toISOString() });
  const before = world.state();
  for (const n of [1, 2, 3]) {
    await remove(world, `delete-${n}`);
  }
  expect(world.state()).toEqual(before);
  const { tombstone } = await readTombstone(world.store, TEMPORARY_BUCKET, ACME);
  expect(isTombstoned(tombstone, NOON.getTime() + 3 * 60_000)).toBe(true);
});

test('an archive that a newer build of the same content needs is kept', async () => {
  const world = new World();
  const archive = `contexts/acme/p1/${keyOf('same')}.tar.zst`;
  world.store.put(TEMPORARY_BUCKET, archive, 'x');
  await remove(world, 'delete-1');
  expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/')).toEqual([]);
  world.store.put(TEMPORARY_BUCKET, archive, 'x');
  await world.running({ content: 'same', observed_at: LATER.toISOString() });
  await remove(world, 'delete-1');
  expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/')).toEqual([archive]);
});

test('a Job whose pods are still going is waited for', async () => {
  const world = new World();
  await world.failed();
  await world.released((await world.cluster.getJob(nameOf())) as V1Job);
  world.cluster.runPod(nameOf(), undefined, { phase: 'Running' });
  await world.cluster.deleteJob(nameOf());
  const event = jobStartEvent({ id: 'again', observed_at: new Date(NOON.getTime() + 60_000).toISOString() });
  const request = jobStart(event, { ...world.deps(), imageRegistry: undefined, settings: jobSettings });
  await expect(request).rejects.toMatchObject({ reason: 'BuildEnding' });
});

test('a newer request that joins at the same moment is the one whose settings stay', async () => {
  await interleaved(
    async () => {
      const world = new World();
      await world.running({ observed_at: OLD });
      return world;
    },
    (world, steps) =>
      jobStart(jobStartEvent({ id: 'middle', observed_at: MIDDLE, parameters: { env: { A: 'middle' } } }), {
        ...world.deps(steps),
        imageRegistry: undefined,
        settings: jobSettings,
      }),
    (world) =>
      jobStart(jobStartEvent({ id: 'new', observed_at: NEW, parameters: { env: { A: 'new' } } }), {
        ...world.deps(),
        imageRegistry: undefined,
        settings: jobSettings,
      }),
    async (world, where) => {
      expect([where, observedAt((await world.cluster.getJob(nameOf())) ?? {})]).toEqual([where, Date.parse(NEW)]);
    },
  );
});

describe('of an older build and a newer image that needs no Job', () => {
  const older = (world: World, steps?: Steps) =>
    jobStart(jobStartEvent({ content: 'old', observed_at: OLD }), {
      ...world.deps(steps),
      imageRegistry: undefined,
      settings: jobSettings,
    });
  const newer = (world: World, steps?: Steps) =>
    buildComplete(successClaim({ id: 'newer-end', observed_at: NEW }), {
      ...world.deps(steps),
      settings: functionSettings,
    });
  const recorded = async () => {
    const world = new World();
    await world.succeeded({ observed_at: OLD });
    await buildComplete(successClaim({ observed_at: OLD, job_name: nameOf() }), {
      ...world.deps(),
      settings: functionSettings,
    });
    return world;
  };
  const neverGoesOn = async (world: World, where: string) => {
    const job = await world.cluster.getJob(nameOf('old'));
    expect([where, job === undefined || readEnded(job)?.status === 'superseded']).toEqual([where, true]);
  };

  test('the older one does not go on, whenever the image is deployed', async () => {
    await interleaved(recorded, older, newer, neverGoesOn);
  });

  test('the older one does not go on, whenever it begins', async () => {
    await interleaved(recorded, newer, older, neverGoesOn);
  });
});
