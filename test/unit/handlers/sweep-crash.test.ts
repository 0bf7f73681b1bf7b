/**
 * sweep dies between any two steps, or runs twice at once: the next run leaves what one run would have left, and
 * nothing but copies is sent.
 */
import { describe, expect, test } from 'vitest';
import { superseded } from '#shared/builds/end-job.ts';
import { ENDED_ANNOTATION } from '#shared/specs/annotations.ts';
import { UNUSED_SINCE } from '#shared/specs/delivery.ts';
import { kanikoJob } from '#shared/specs/kaniko-job.ts';
import { functionName } from '#shared/specs/names.ts';
import { Crash, type Steps } from '#test/fakes/stepped.ts';
import { SweptWorld } from './sweep-world.ts';
import { ACME, jobSettings, jobStartEvent, MIDDLE, nameOf, OLD, TEMPORARY_BUCKET } from './world.ts';

const DAY = 24 * 60;
const of = (parser_id: string) => ({ ...ACME, parser_id });

/** One of everything that sweep mends. */
async function broken(): Promise<SweptWorld> {
  const world = new SweptWorld();
  await world.released(await world.failed({ content: 'forgotten', identity: of('forgotten') }));
  world.store.put(TEMPORARY_BUCKET, 'contexts/acme/old/x.tar.gz', 'x');
  world.later(DAY);
  await world.failed({ content: 'untold', identity: of('untold') });
  await world.cluster.createJob(kanikoJob(jobStartEvent({ content: 'waits', identity: of('waits') }), jobSettings));
  await world.running({ content: 'half ended', identity: of('half-ended') });
  const ended = JSON.stringify(superseded({ correlation_id: 'newer', observed_at: MIDDLE }));
  await world.cluster.patchJob(nameOf('half ended', of('half-ended')), {
    metadata: { annotations: { [ENDED_ANNOTATION]: ended } },
  });
  world.asked({}, of('lost'), 'lost');
  world.asked({ resent: '5', firstseen: OLD }, of('given-up'), 'given-up');
  for (const [parser, objects] of [
    ['no-trigger', world.cluster.triggers],
    ['no-service', world.cluster.services],
  ] as const) {
    await world.deployed({ content: parser, identity: of(parser) });
    objects.delete(functionName(of(parser)));
  }
  world.cluster.triggers.change(functionName(of('no-service')), ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [UNUSED_SINCE]: OLD };
  });
  await world.deployed({ observed_at: OLD });
  world.buried(MIDDLE);
  return world.later(33);
}

/** From the n-th step on nothing is done any more: before that step, or after its effect. */
function deadFrom(step: number, when: 'before' | 'after'): Steps {
  const die = () => {
    throw new Crash(`${when} step ${step}`);
  };
  return {
    calls: [],
    before: (current) => (current > step || (current === step && when === 'before') ? die() : undefined),
    after: (current) => (current === step && when === 'after' ? die() : undefined),
  };
}

/** A Trigger that is found without its function is marked by the one run or by the next. */
const settled = (world: SweptWorld) =>
  JSON.stringify(world.state()).replace(/,?"knative-lambda\/unused-since":"[^"]*"/g, '');

/** Both may send one request again, of the copies that its attempts allow. */
const withoutCounts = (world: SweptWorld) => settled(world).replace(/(resent\W+)\d/g, '$1n');

const idsOf = (world: SweptWorld) => [...new Set(world.sent.map(({ type, id }) => `${type} ${id}`))].sort();

describe('a run over one of everything', () => {
  test('mends all of it', async () => {
    const world = await broken();
    expect(await world.swept()).toEqual({
      terminal_events: 1,
      admitted: 1,
      requests_resent: 1,
      requests_ended: 1,
      jobs_ended: 1,
      jobs_deleted: 1,
      contexts_deleted: 1,
      triggers_restored: 1,
      triggers_deleted: 1,
      functions_removed: 1,
    });
    // What is told again is told until somebody has processed it.
    expect(await world.swept()).toEqual({ terminal_events: 1, requests_ended: 1 });
  });

  test.each(['before', 'after'] as const)(
    'that dies %s any step leaves nothing that the next does not mend',
    async (when) => {
      const untouched = await broken();
      const counted: Steps = { calls: [] };
      await untouched.swept(counted);
      expect(counted.calls.length).toBeGreaterThan(30);

      for (const [index, call] of counted.calls.entries()) {
        const world = await broken();
        await world.swept(deadFrom(index + 1, when));
        await world.swept();
        const where = `died ${when} step ${index + 1}, ${call}`;
        expect([where, settled(world)]).toEqual([where, settled(untouched)]);
        expect([where, idsOf(world)]).toEqual([where, idsOf(untouched)]);
      }
    },
  );

  test('that another overlaps at any step leaves what one leaves', async () => {
    const untouched = await broken();
    const counted: Steps = { calls: [] };
    await untouched.swept(counted);

    for (const [index, call] of counted.calls.entries()) {
      const world = await broken();
      const steps: Steps = {
        calls: [],
        before: async (current) => {
          if (current === index + 1) {
            await world.swept();
          }
        },
      };
      await world.swept(steps);
      const where = `overlapped before step ${index + 1}, ${call}`;
      expect([where, withoutCounts(world)]).toEqual([where, withoutCounts(untouched)]);
      expect([where, idsOf(world)]).toEqual([where, idsOf(untouched)]);
    }
  });
});
