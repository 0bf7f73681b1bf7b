/**
 * Builds under which everything breaks that can be broken from here: `make e2e-disturbed`. What only the cluster's
 * owner can break is broken by commands: RABBITMQ_STOP and RABBITMQ_START, API_SERVER_RESTART; one that is not given is
 * left out, and said.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { pause, until } from '#test/contract/until.ts';
import { type AnyObject, World } from '#test/contract/world.ts';
import { command, DISPATCHERS, killPods } from './disturb.ts';

const BUILDS = Number(process.env['BUILDS'] ?? 50);
const CLIENTS = 5;
const LIMIT = Number(process.env['MAX_CONCURRENT_BUILDS'] ?? 10);
const RABBITMQ_AWAY_SECONDS = 60;
const SETTLED_WITHIN_SECONDS = 1500;

const FUNCTIONS = { selector: 'app.kubernetes.io/component=builder', matches: () => true };

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

test('every accepted build.start has exactly one distinct build.complete, and no more run than may', async () => {
  const identities = Array.from({ length: BUILDS }, (_, n) => world.parser(`disturbed-${n}`, `client-${n % CLIENTS}`));
  for (const identity of identities) {
    await world.upload(identity, { 'parser.mjs': `export const handler = () => '${identity.parser_id}';\n` });
  }
  for (const identity of identities) {
    expect(await world.send({ type: 'build.start', id: `ask-${identity.parser_id}`, data: identity })).toBe(202);
  }
  const watching = new AbortController();
  const most = watchRunning(watching.signal);
  try {
    await disturb();
    await until(
      `${BUILDS} builds to end`,
      () => identities.every(hasEnded),
      SETTLED_WITHIN_SECONDS / 4,
      () =>
        identities
          .filter((identity) => !hasEnded(identity))
          .map((identity) => `${identity.parser_id}: ${world.story(identity)}`)
          .join('\n'),
    );
    await until('nothing to be left over', async () => (await leftovers()).length === 0, 60);
  } finally {
    watching.abort();
  }

  const endings = identities.map((identity) => world.endings(identity));
  const told = world.events.filter(({ type }) => type === 'build.complete').length;
  const byStatus = [...Map.groupBy(endings.flat(), ({ data }) => String(data.status))];
  const statuses = byStatus.map(([status, all]) => `${all.length} ${status}`).join(', ');
  console.log(`${told} build.complete, ${endings.flat().length} of them distinct: ${statuses}; ${await most} at once`);
  expect(endings.map((all) => all.length)).toEqual(identities.map(() => 1));
  expect(endings.flat().map(({ data }) => data.status)).toEqual(identities.map(() => 'success'));
  expect(await most).toBeLessThanOrEqual(LIMIT);
}, 3_600_000);

async function disturb(): Promise<void> {
  await until('some builds to run', async () => (await runningJobs()).length >= 3, 60);
  await killPods(world, 'dispatchers', {
    selector: DISPATCHERS,
    matches: ({ metadata }) => /^(build-|job-|cluster-)/.test(metadata?.name ?? ''),
  });
  await pause(3);
  await killPods(world, 'functions that answer', FUNCTIONS);
  await pause(2);
  if (command('RABBITMQ_STOP')) {
    await pause(RABBITMQ_AWAY_SECONDS / 4);
    command('RABBITMQ_START');
  }
  await pause(3);
  command('API_SERVER_RESTART');
  await pause(3);
  await killPods(world, 'dispatchers', { selector: DISPATCHERS, matches: () => true });
  await killPods(world, 'functions that answer', FUNCTIONS);
}

function hasEnded(identity: Identity): boolean {
  return world.endings(identity).length > 0;
}

async function runningJobs(): Promise<AnyObject[]> {
  const jobs = await world.list('batch/v1', 'Job', world.buildsNamespace);
  return jobs.filter(({ status }) => {
    const isOver = status?.conditions?.some(({ type }: { type: string }) => type === 'Complete' || type === 'Failed');
    return (status?.active ?? 0) > 0 && !isOver;
  });
}

/** The most that ran at once, as often as one can look. */
async function watchRunning(signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    most = Math.max(
      most,
      await runningJobs().then(
        ({ length }) => length,
        () => 0,
      ),
    );
    await pause(0.1);
  }
  return most;
}

/** Of ours, in the whole environment: what waits, what nobody has answered for, what nobody has processed. */
async function leftovers(): Promise<string[]> {
  const jobs = await world.list('batch/v1', 'Job', world.buildsNamespace).catch(() => []);
  const isOurs = (text = '') => text.includes(world.platform.run);
  const unprocessed = jobs.filter(
    ({ metadata, spec }) =>
      isOurs(metadata?.name) && (spec?.suspend || metadata?.finalizers?.includes('knative-lambda/terminal-event')),
  );
  const requests = await world.keys(world.platform.temporaryBucket, 'requests/');
  return [...unprocessed.map(({ metadata }) => `Job ${metadata?.name}`), ...requests.filter(isOurs)];
}
