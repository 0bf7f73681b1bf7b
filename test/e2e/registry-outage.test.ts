/**
 * Images that are put together without a Job, while the registry is away and while our functions are killed: `make
 * e2e-disturbed ONLY=registry`. REGISTRY_STOP and REGISTRY_START are commands, as those of RabbitMQ are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { until } from '#test/contract/until.ts';
import { World } from '#test/contract/world.ts';
import { command, killPods } from './disturb.ts';

const BUILDS = 20;
const AWAY_MILLISECONDS = 30_000;
/** All retries of the Broker, and sweep once more. */
const PATIENCE_SECONDS = 300;
const LONGEST_MILLISECONDS = 3_600_000;

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

test.skipIf(!process.env['REGISTRY_STOP'])(
  'the registry is away for half a minute, in the middle of twenty: each is told once, and answers what was uploaded',
  { timeout: LONGEST_MILLISECONDS },
  async () => {
    const identities = await uploaded('outage', BUILDS);
    await Promise.all(identities.slice(0, BUILDS / 2).map(ask));
    try {
      command('REGISTRY_STOP');
      await Promise.all(identities.slice(BUILDS / 2).map(ask));
      await sleep(AWAY_MILLISECONDS);
    } finally {
      command('REGISTRY_START');
    }
    await expectAllRight(identities);
  },
);

test('a pod of each function is killed meanwhile: the same', { timeout: LONGEST_MILLISECONDS }, async () => {
  const builder = await world.list('serving.knative.dev/v1', 'Service', world.platform.namespace);
  const functions = builder
    .filter(({ metadata }) => metadata?.labels?.['app.kubernetes.io/component'] === 'builder')
    .map(({ metadata }) => metadata?.name ?? '');
  expect(functions).toContain('build-start');
  const identities = await uploaded('killed', functions.length);
  for (const [index, name] of functions.entries()) {
    await ask(identities[index] as Identity);
    // Some milliseconds into an image that takes some hundreds, and more with each.
    await sleep(50 * index);
    await killPods(world, `pods of ${name}`, {
      selector: `serving.knative.dev/service=${name}`,
      matches: () => true,
    });
  }
  await expectAllRight(identities);
});

async function uploaded(role: string, count: number): Promise<Identity[]> {
  const identities = Array.from({ length: count }, (_, n) => world.parser(`${role}-${n}`, `client-${n % 3}`));
  for (const identity of identities) {
    await world.upload(identity, { 'parser.mjs': `export const handler = () => '${identity.parser_id}';\n` });
  }
  return identities;
}

async function ask(identity: Identity): Promise<void> {
  expect(await world.send({ type: 'build.start', id: `ask-${identity.parser_id}`, data: identity })).toBe(202);
}

async function expectAllRight(identities: Identity[]): Promise<void> {
  const story = () => identities.map((identity) => world.story(identity)).join('\n');
  const hasEnded = (identity: Identity) => world.endings(identity).length > 0;
  await until('all to end', () => identities.every(hasEnded), PATIENCE_SECONDS, story);
  const isReady = (identity: Identity) => world.of('lifecycle.function.ready', identity).length > 0;
  await until('all to be ready', () => identities.every(isReady), PATIENCE_SECONDS, story);
  for (const identity of identities) {
    await world.send({ type: 'parser.start', subject: subjectOf(identity), data: {} });
  }
  const answers = await Promise.all(
    identities.map((identity) => world.seen('parser.complete', identity, undefined, PATIENCE_SECONDS)),
  );
  expect(answers.map(({ data }) => data.result)).toEqual(identities.map(({ parser_id }) => parser_id));
  const endings = identities.map((identity) => world.endings(identity));
  expect(endings.map((all) => all.map(({ data }) => data.status))).toEqual(identities.map(() => ['success']));
  const requests = await world.keys(world.platform.temporaryBucket, 'requests/');
  expect(requests.filter((key) => key.includes(world.platform.run))).toEqual([]);
  const byJob = identities.filter((identity) => world.of('job.start', identity).length > 0).length;
  console.log(`${identities.length} images, ${byJob} of them by a Job`);
}
