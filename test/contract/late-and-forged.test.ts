/** Late and forged events change nothing. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { answering, byJob } from './sources.ts';
import { pause, until } from './until.ts';
import { type RecordedEvent, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** Sends a recorded event once more, as a broker may at any time. */
async function redeliver(event: RecordedEvent): Promise<void> {
  const response = await fetch(world.platform.brokerUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  expect(response.status).toBe(202);
}

async function built(role: string, answer: string): Promise<Identity> {
  const identity = world.parser(role);
  await world.upload(identity, byJob(answering(answer)));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity);
  return identity;
}

async function rebuilt(identity: Identity, answer: string): Promise<void> {
  const before = world.of('lifecycle.function.ready', identity).length;
  await world.upload(identity, byJob(answering(answer)));
  await world.send({ type: 'build.start', data: identity });
  await until(
    'the newer function',
    () => world.of('lifecycle.function.ready', identity).length > before,
    60,
    () => world.story(identity),
  );
}

async function generation(identity: Identity): Promise<unknown> {
  const [service] = await world.services(identity);
  return [service?.metadata?.uid, service?.metadata?.generation, service?.spec.template.spec.containers[0].image];
}

test('job.start and build.complete of an older source change nothing', async () => {
  const identity = await built('older', 'old');
  const jobStart = await world.seen('job.start', identity);
  const complete = await world.seen('build.complete', identity);
  await rebuilt(identity, 'new');
  const before = await generation(identity);
  const jobs = (await world.jobs(identity)).map(({ metadata }) => metadata?.uid).sort();
  const handled = () =>
    world.of('lifecycle.build.completed', identity).length + world.of('lifecycle.build.failed', identity).length;
  const answers = handled();

  await redeliver(jobStart);
  await redeliver(complete);

  await until(
    'an answer to the late build.complete',
    () => handled() > answers,
    30,
    () => world.story(identity),
  );
  await pause(1.5);
  expect(await generation(identity)).toEqual(before);
  expect((await world.jobs(identity)).map(({ metadata }) => metadata?.uid).sort()).toEqual(jobs);
});

test('a build.complete after service.delete deploys nothing', async () => {
  const identity = await built('buried', 'buried');
  const complete = await world.seen('build.complete', identity);
  const jobStart = await world.seen('job.start', identity);
  await world.send({ type: 'service.delete', data: identity });
  await world.seen('lifecycle.function.deleted', identity);

  await redeliver(complete);
  await redeliver(jobStart);

  await pause(3);
  expect(await world.services(identity)).toEqual([]);
  expect(await world.triggers(identity)).toEqual([]);
  expect(await world.jobs(identity)).toEqual([]);
});

test.each<{ case: string; forge: (identity: Identity, image: string) => Record<string, unknown> }>([
  {
    case: 'that names a Job nobody has',
    forge: (_identity, image) => ({ job_name: 'build-nobody-0123456789', image_uri: image }),
  },
  {
    case: 'that no record confirms',
    forge: (_identity, image) => ({
      cached: true,
      fingerprint: createHash('sha256').update('x').digest('hex'),
      image_uri: image,
    }),
  },
  {
    case: 'that names an image of another repository',
    forge: (_identity, image) => ({ cached: true, image_uri: image.replace(/[^/]*@/, 'fn-other-12345678@') }),
  },
])('a build.complete $case changes nothing and is kept', async ({ forge }) => {
  const identity = await built('forged', 'genuine');
  const genuine = await world.seen('build.complete', identity);
  const before = await generation(identity);
  const id = `forged-${crypto.randomUUID()}`;

  await world.send({
    type: 'build.complete',
    id,
    subject: `acme/${identity.parser_id}`,
    data: {
      ...identity,
      correlation_id: 'forged',
      status: 'success',
      observed_at: new Date().toISOString(),
      fingerprint: genuine.data.fingerprint,
      ...forge(identity, genuine.data.image_uri.replace(/sha256:.*/, `sha256:${'0'.repeat(64)}`)),
    },
  });

  await until('its dead letter', async () => (await world.deadLetters(id)).length > 0);
  expect(await generation(identity)).toEqual(before);
});
