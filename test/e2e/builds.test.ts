/**
 * Kaniko, the registry and the package registries: what is pushed is what runs, and every event knows the one that
 * caused it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from '#test/contract/world.ts';
import { WITH_DEPENDENCY } from './sources.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

test.each(Object.entries(WITH_DEPENDENCY))('%s with a dependency from its registry', async (_, { files, says }) => {
  const identity = world.parser('dependent');
  const id = `build-${identity.parser_id}`;
  await world.upload(identity, files);

  // An earlier run of the suite may have left its dependencies, so that no Job would be needed.
  await world.send({ type: 'build.start', id, data: { ...identity, force: true } });
  const ready = await world.seen('lifecycle.function.ready', identity, undefined, 120);
  await world.send({ type: 'parser.start', subject: `acme/${identity.parser_id}`, data: { n: 41 } });

  expect((await world.seen('parser.complete', identity)).data.result).toMatch(says);
  const of = (type: string) => world.seen(type, identity);
  const jobStart = await of('job.start');
  const started = await of('lifecycle.build.started');
  const complete = await of('build.complete');
  const completed = await of('lifecycle.build.completed');

  // Kaniko told the digest, the Service names it, and its pod runs it.
  const { image_uri } = complete.data;
  const [, digest] = /@(sha256:[0-9a-f]{64})$/.exec(image_uri) ?? [];
  const [build] = await world.pods(`batch.kubernetes.io/job-name=${complete.data.job_name}`, world.buildsNamespace);
  const [kaniko] = build?.status.containerStatuses ?? [];
  expect(kaniko.state.terminated.message.trim()).toBe(digest);
  const [service] = await world.services(identity);
  expect(service?.spec.template.spec.containers[0].image).toBe(image_uri);
  const [pod] = await world.pods(`serving.knative.dev/service=${ready.data.service_name}`);
  const status = pod?.status.containerStatuses.find(({ name }: { name: string }) => name === 'user-container');
  expect(status.imageID).toContain(digest);

  // Each is a reply that the Broker took back, or was sent by the build's pod; and none lost the thread.
  const chain = [jobStart, started, complete, completed, ready];
  expect(chain.map((event) => event['causationid'])).toEqual([id, jobStart.id, jobStart.id, complete.id, complete.id]);
  expect(new Set(chain.map((event) => event['correlationid']))).toEqual(new Set([id]));
});
