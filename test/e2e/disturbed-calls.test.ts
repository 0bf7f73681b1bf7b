/**
 * Calls while the door, its dispatchers and the API server are taken away: `make e2e-disturbed ONLY=calls`. Each call
 * has exactly one kind of outcome: a parser.complete, an event.rejected, or a dead letter that is kept. API_SERVER_STOP
 * must end the API server at once: one that is asked to stop serves for another minute.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { answering } from '#test/contract/sources.ts';
import { pause, until } from '#test/contract/until.ts';
import { World } from '#test/contract/world.ts';
import type { StreamReport } from './caller.ts';
import { command, DISPATCHERS, killPods } from './disturb.ts';
import { type Caller, callsOf, openCaller, type Running } from './open-caller.ts';

const CALLS = Number(process.env['CALLS'] ?? 500);
const FUNCTIONS = 4;
/** Of each function. */
const EVERY_MILLISECONDS = 800;
/** All retries of the Broker, those of the overflow lane, and what dead-letter sends again. */
const PATIENCE_SECONDS = 600;
const API_SERVER_AWAY_SECONDS = 60;
const LONGEST_MILLISECONDS = 1_800_000;
/**
 * The Broker's dispatcher acknowledges an event before it publishes it as a dead letter; killed between the two, it
 * loses the event where nobody of ours can see it (3 of some 360 deliveries that were cut off).
 */
const LOST_BY_THE_BROKER = 2;

let world: World;
let caller: Caller;
beforeAll(async () => {
  world = await new World().open();
  caller = await openCaller(world.platform);
});
afterAll(async () => {
  await caller.close();
  await world.close();
});

test("the door's pods are killed again and again", { timeout: LONGEST_MILLISECONDS }, async () => {
  const lost = await callWhile('door-killed', async (running) => {
    while ((await running.sent()) < CALLS) {
      await killPods(world, 'pods of the door', {
        selector: 'serving.knative.dev/service=parser-events',
        matches: () => true,
      });
      await pause(1);
    }
  });
  expect(lost).toEqual([]);
});

test("the door's dispatchers are killed again and again", { timeout: LONGEST_MILLISECONDS }, async () => {
  const lost = await callWhile('dispatcher-killed', async (running) => {
    while ((await running.sent()) < CALLS) {
      await killPods(world, 'dispatchers of the door', {
        selector: DISPATCHERS,
        matches: ({ metadata }) => /^parser-/.test(metadata?.name ?? ''),
      });
      await pause(2);
    }
  });
  expect(lost.length).toBeLessThanOrEqual(LOST_BY_THE_BROKER);
});

test.skipIf(!process.env['API_SERVER_STOP'])(
  'the API server is away for a minute',
  { timeout: LONGEST_MILLISECONDS },
  async () => {
    const lost = await callWhile('api-server-away', async () => {
      await pause(2);
      command('API_SERVER_STOP');
      await pause(API_SERVER_AWAY_SECONDS / 4);
      command('API_SERVER_START');
      await until('the API server to serve what it stores', () => servesAgain());
    });
    expect(lost).toEqual([]);
  },
);

/** Ids of the calls that have no outcome at all. Expects that none has outcomes of two kinds. */
async function callWhile(role: string, disturb: (running: Running) => Promise<void>): Promise<string[]> {
  const identities = Array.from({ length: FUNCTIONS }, (_, n) => world.parser(`${role}-${n}`, `tenant-${n % 2}`));
  await Promise.all(identities.map(deploy));
  const running = await caller.start({
    streams: identities.map((identity) =>
      callsOf(caller, subjectOf(identity), { count: CALLS / FUNCTIONS, every: EVERY_MILLISECONDS }),
    ),
    patience: PATIENCE_SECONDS,
  });
  await disturb(running);
  const reports = await running.ended();

  const of = (pick: (report: StreamReport) => string[]) => reports.flatMap(pick);
  const count = (pick: (report: StreamReport) => number) => reports.reduce((sum, report) => sum + pick(report), 0);
  const unanswered = of((report) => report.unanswered);
  const kept = await keptOf(identities);
  const lost = unanswered.filter((id) => !kept.has(id));
  console.log(
    `${count(({ sent }) => sent)} calls taken: ${count(({ complete }) => complete)} parser.complete (${count(({ failed }) => failed)} of them failed), ${count(({ rejected }) => rejected)} event.rejected, ${unanswered.length - lost.length} dead letters, ${lost.length} lost`,
  );
  expect(count(({ sent }) => sent)).toBe(CALLS);
  expect(of((report) => report.contradicted)).toEqual([]);
  expect(of((report) => report.completed).filter((id) => kept.has(id))).toEqual([]);
  return lost;
}

async function servesAgain(): Promise<boolean> {
  const kinds = [
    world.list('serving.knative.dev/v1', 'Service'),
    world.list('eventing.knative.dev/v1', 'Trigger'),
    world.list('batch/v1', 'Job', world.buildsNamespace),
  ];
  return (await Promise.allSettled(kinds)).every(({ status }) => status === 'fulfilled');
}

async function deploy(identity: Identity): Promise<void> {
  await world.upload(identity, answering('called'));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity);
}

/** Ids of the calls that have a dead letter. */
async function keptOf(identities: Identity[]): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const { parser_id } of identities) {
    for (const { event } of await world.deadLetters(parser_id)) {
      ids.add(String((event as { id?: string } | undefined)?.id));
    }
  }
  return ids;
}
