/** Rights that only a rare race needs: made to happen here, so that they are seen to be needed, and to suffice. */
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { answering } from '#test/contract/sources.ts';
import { pause, until } from '#test/contract/until.ts';
import { type AnyObject, World } from '#test/contract/world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/**
 * service-delete writes its tombstone before it lists what is to go: what build-complete applies in between is
 * build-complete's to take back.
 */
test('build-complete takes back what it deployed while service.delete came', async () => {
  const identity = world.parser('taken-back');
  await world.upload(identity, answering('taken back'));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity);
  const complete = await world.seen('build.complete', identity);

  const time = new Date(Date.parse(complete.data.observed_at) + 1000).toISOString();
  await world.put(
    world.platform.temporaryBucket,
    `tombstones/${identity.third_party_id}/${identity.parser_id}.json`,
    JSON.stringify({ event_id: 'service-delete-that-died', time, deleted: [], contexts: [] }),
  );
  await world.send({
    type: 'build.complete',
    id: `again-${identity.parser_id}`,
    subject: `${identity.third_party_id}/${identity.parser_id}`,
    data: complete.data,
  });

  const told = await world.seen('lifecycle.build.failed', identity);
  expect(told.data).toMatchObject({ status: 'cancelled', reason: 'Cancelled' });
  await until('Service to be gone', async () => {
    const left = await world.services(identity);
    return left.length === 0;
  });
});

/**
 * Nobody can process the end of a Job whose annotations somebody has taken away, so it is there for sweep when all
 * others have had their time.
 */
test('sweep looks for the pods of a Job that has been over for half a minute', async () => {
  const job = { apiVersion: 'batch/v1', kind: 'Job' };
  const name = `build-unreadable-${world.platform.run}`;
  const namespace = world.buildsNamespace;
  const finalizers = ['knative-lambda/terminal-event'];
  const labels = { 'app.kubernetes.io/managed-by': 'knative-lambda', 'app.kubernetes.io/component': 'build' };
  const config = new KubeConfig();
  config.loadFromString(world.platform.kubeconfig);
  const never = { restartPolicy: 'Never', containers: [{ name: 'never', image: 'never' }] };
  const created: AnyObject = {
    ...job,
    metadata: { name, namespace, labels, finalizers },
    spec: { suspend: true, template: { spec: never } },
  };
  await KubernetesObjectApi.makeApiClient(config).create(created);
  onTestFinished(() => world.patch({ ...job, metadata: { name, namespace, finalizers: [] } }));

  await world.remove('batch/v1', 'Job', name, namespace);
  await pause(35);
  await world.send({ type: 'dev.knative.sources.ping', extensions: { task: 'sweep' } });
  await pause(5);

  expect((await world.object('batch/v1', 'Job', name, namespace)).metadata?.finalizers).toEqual(finalizers);
});
