/**
 * A crash between any two steps, then the event delivered again: the end state and the answer are those of a run
 * without a crash.
 */
import { describe, expect, test } from 'vitest';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { buildStart } from '#functions/build-start/handler.ts';
import { jobStart } from '#functions/job-start/handler.ts';
import { serviceDelete } from '#functions/service-delete/handler.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { received } from '#test/fakes/received.ts';
import { crashAt, type Steps } from '#test/fakes/stepped.ts';
import {
  ACME,
  buildStartDependencies,
  functionSettings,
  jobSettings,
  jobStartEvent,
  MIDDLE,
  NEW,
  nameOf,
  OLD,
  successClaim,
  TEMPORARY_BUCKET,
  uploaded,
  World,
} from './world.ts';

interface Scenario {
  case: string;
  given: (world: World) => unknown;
  handle: (world: World, steps: Steps) => Promise<NewEvent | undefined>;
  /**
   * What need not agree where two deliveries of one event overlap: S3 has no lock, and they tell each what they saw.
   */
  overlapping?: (reply: NewEvent | undefined, state: object) => unknown;
}

const startJob = (asked: Parameters<typeof jobStartEvent>[0]) => (world: World, steps: Steps) =>
  jobStart(jobStartEvent(asked), { ...world.deps(steps), imageRegistry: undefined, settings: jobSettings });

const complete = (claim: Parameters<typeof successClaim>[0]) => (world: World, steps: Steps) =>
  buildComplete(successClaim(claim), { ...world.deps(steps), settings: functionSettings });

const remove = (world: World, steps: Steps) =>
  serviceDelete(received('service.delete', ACME, { id: 'delete-1', subject: 'acme/p1' }), world.deps(steps));

const scenarios: Scenario[] = [
  {
    case: 'build-start: a new source',
    given: uploaded,
    handle: (world, steps) =>
      buildStart(
        received('build.start', { ...ACME, priority: 5, force: false, parameters: {} }),
        buildStartDependencies(world, steps),
      ),
  },
  { case: 'job-start: a first build', given: () => undefined, handle: startJob({}) },
  {
    case: 'job-start: a build that supersedes two',
    given: async (world) => {
      await world.running({ content: 'old', observed_at: OLD });
      await world.running({ content: 'older', observed_at: '2026-01-02T10:00:00.000Z' });
    },
    handle: startJob({ content: 'new', observed_at: NEW }),
  },
  {
    case: 'job-start: a build that a deletion overtakes',
    given: (world) => {
      const create = world.cluster.createJob.bind(world.cluster);
      world.cluster.createJob = async (job) => {
        world.buried(NEW);
        return await create(job);
      };
    },
    handle: startJob({ observed_at: MIDDLE }),
  },
  {
    case: 'job-start: joining with other settings',
    given: (world) => world.running({ observed_at: OLD }),
    handle: startJob({ id: 'again', observed_at: NEW, parameters: { env: { A: '1' } } }),
  },
  {
    case: 'job-start: after a failure',
    given: async (world) => world.released(await world.failed()),
    handle: startJob({ id: 'again', observed_at: '2026-01-02T12:04:00.000Z' }),
  },
  {
    case: 'build-complete: a success',
    given: (world) => world.succeeded(),
    handle: complete({ job_name: nameOf() }),
  },
  {
    case: 'build-complete: a success over an older function',
    given: async (world) => {
      await world.deployed({ content: 'old', observed_at: OLD });
      await world.succeeded();
    },
    handle: complete({ job_name: nameOf() }),
  },
  {
    case: 'build-complete: a success that was deleted meanwhile',
    given: async (world) => {
      await world.succeeded();
      const apply = world.cluster.applyTrigger.bind(world.cluster);
      world.cluster.applyTrigger = async (trigger) => {
        world.buried(NEW);
        return await apply(trigger);
      };
    },
    handle: complete({ job_name: nameOf() }),
  },
  {
    case: 'build-complete: an older success',
    given: async (world) => {
      await world.deployed({ content: 'new', observed_at: NEW });
      await world.succeeded({ content: 'one', observed_at: OLD });
    },
    handle: complete({ job_name: nameOf() }),
  },
  { case: 'build-complete: a failure', given: (world) => world.failed(), handle: complete({ job_name: nameOf() }) },
  {
    case: 'service-delete: a function, a build that runs, one that ended, archives',
    given: async (world) => {
      await world.deployed({ content: 'one' });
      await world.running({ content: 'two' });
      await world.succeeded({ content: 'three' });
      await world.released(await world.failed({ content: 'four' }));
      world.store.put(TEMPORARY_BUCKET, 'contexts/acme/p1/a.tar.gz', 'x');
    },
    handle: remove,
    overlapping: (reply, state) => [reply?.type, { ...state, objects: undefined }],
  },
  { case: 'service-delete: nothing', given: () => undefined, handle: remove },
];

describe.each(scenarios)('$case', ({ given, handle, overlapping = (reply, state) => [reply, state] }) => {
  async function fresh(): Promise<World> {
    const world = new World();
    await given(world);
    return world;
  }

  test.each(['before', 'after'] as const)(
    'a crash %s any step leaves nothing that a redelivery does not mend',
    async (when) => {
      const untouched = await fresh();
      const counted: Steps = { calls: [] };
      const reply = await handle(untouched, counted);
      expect(counted.calls.length).toBeGreaterThan(0);

      for (const [index, call] of counted.calls.entries()) {
        const world = await fresh();
        await expect(handle(world, crashAt(index + 1, when))).rejects.toThrow();
        const again = await handle(world, { calls: [] });
        const where = `crashed ${when} step ${index + 1}, ${call}`;
        expect([where, again]).toEqual([where, reply]);
        expect([where, world.state()]).toEqual([where, untouched.state()]);
      }
    },
  );

  test('two deliveries at once end as one does', async () => {
    const untouched = await fresh();
    const due = overlapping(await handle(untouched, { calls: [] }), untouched.state());
    const world = await fresh();
    const replies = await Promise.all([handle(world, { calls: [] }), handle(world, { calls: [] })]);
    for (const reply of replies) {
      expect(overlapping(reply, world.state())).toEqual(due);
    }
  });

  test('a second delivery at any step of the first ends as one does', async () => {
    const untouched = await fresh();
    const counted: Steps = { calls: [] };
    const due = overlapping(await handle(untouched, counted), untouched.state());
    for (const [index, call] of counted.calls.entries()) {
      const world = await fresh();
      const replies: (NewEvent | undefined)[] = [];
      const before = async (step: number) => {
        if (step === index + 1) {
          replies.push(await handle(world, { calls: [] }));
        }
      };
      replies.push(await handle(world, { calls: [], before }));
      for (const reply of replies) {
        const where = `at step ${index + 1}, ${call}`;
        expect([where, overlapping(reply, world.state())]).toEqual([where, due]);
      }
    }
  });
});
