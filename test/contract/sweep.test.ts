/** sweep mends what events have missed: everything here is broken by hand, and nobody but sweep could notice. */
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import type { Identity } from '#shared/events/identity.ts';
import { UNUSED_SINCE } from '#shared/specs/delivery.ts';
import { answering, byJob, slowToBuild } from './sources.ts';
import { PATIENCE, pause, until } from './until.ts';
import { type AnyObject, World } from './world.ts';

let world: World;
let minutes: NodeJS.Timeout;
beforeAll(async () => {
  world = await new World().open();
  // As the PingSource sends them, but more often than once a minute.
  minutes = setInterval(() => void minute().catch(() => undefined), 3000 * PATIENCE);
});
afterAll(async () => {
  clearInterval(minutes);
  await world.close();
});

const minute = () =>
  world.send({ type: 'dev.knative.sources.ping', source: 'test', extensions: { task: 'sweep' }, data: {} });

async function build(identity: Identity): Promise<void> {
  await world.upload(identity, byJob(answering('mended')));
  await world.send({ type: 'build.start', data: { ...identity, parameters: { delivery: 'own' } } });
  await world.seen('lifecycle.function.ready', identity);
}

const isProcessed = ({ metadata, status }: AnyObject) =>
  status?.completionTime !== undefined && metadata?.annotations?.['knative-lambda/processed'] !== undefined;

async function create(object: AnyObject): Promise<void> {
  const config = new KubeConfig();
  config.loadFromString(world.platform.kubeconfig);
  await KubernetesObjectApi.makeApiClient(config).create(object);
}

/** The same, as somebody would make it anew. */
function again({ apiVersion = '', kind = '', metadata, spec }: AnyObject, changes: object): AnyObject {
  const { name = '', namespace = '', labels = {}, annotations = {} } = metadata ?? {};
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations, ...changes }, spec };
}

test('a request that was lost on its way is sent again, and built', async () => {
  const identity = world.parser('lost');
  await world.upload(identity, answering('found'));
  const event = {
    specversion: '1.0',
    id: `lost-${identity.parser_id}`,
    source: 'test',
    type: 'build.start',
    subject: `${identity.third_party_id}/${identity.parser_id}`,
    datacontenttype: 'application/json',
    firstseen: new Date(Date.now() - 600_000).toISOString(),
    data: identity,
  };
  const prefix = `requests/${identity.third_party_id}/${identity.parser_id}/`;
  const id = terminalIdOfRequest(event);

  await world.put(world.platform.temporaryBucket, `${prefix}${id}.json`, JSON.stringify({ event }));

  const complete = await world.seen('build.complete', identity);
  expect([complete.id, complete.data.status]).toEqual([id, 'success']);
  await world.seen('lifecycle.function.ready', identity);
  expect(world.of('build.start', identity)).toMatchObject([{ id: event.id, source: 'test', resent: '1' }]);
  await until(
    'the request to be forgotten',
    async () => (await world.keys(world.platform.temporaryBucket, prefix)).length === 0,
  );
  expect(world.endings(identity)).toHaveLength(1);
});

/** At once: a Service is left to build-complete, and a tombstone to service-delete, for half a minute. */
test('a function whose Trigger was deleted has it again, one that was deleted half-way goes, and so does a Trigger without function', async () => {
  const whole = world.parser('unserved');
  const half = world.parser('buried');
  const none = world.parser('pointless');
  await Promise.all([restored(whole), removed(half), cleared(none)]);
});

async function restored(identity: Identity): Promise<void> {
  await build(identity);
  const [before] = await world.triggers(identity);

  await world.remove('eventing.knative.dev/v1', 'Trigger', before?.metadata?.name ?? '');

  const after = await until('its Trigger', async () => (await world.triggers(identity))[0], 60);
  expect(after.metadata?.uid).not.toBe(before?.metadata?.uid);
  expect(after.spec).toEqual(before?.spec);
  expect(after.metadata?.ownerReferences).toEqual(before?.metadata?.ownerReferences);
}

async function removed(identity: Identity): Promise<void> {
  await build(identity);
  const complete = await world.seen('build.complete', identity);
  // Told once more, its end would have the function removed by build-complete.
  await until('its build to be over', async () => (await world.jobs(identity)).every(isProcessed));
  const time = new Date(Date.parse(complete.data.observed_at) + 1000).toISOString();

  await world.put(
    world.platform.temporaryBucket,
    `tombstones/${identity.third_party_id}/${identity.parser_id}.json`,
    JSON.stringify({ event_id: 'service-delete-that-died', time, deleted: [], contexts: [] }),
  );

  await until('Service to be gone', async () => (await world.services(identity)).length === 0, 60);
}

async function cleared(identity: Identity): Promise<void> {
  await build(identity);
  const [trigger] = await world.triggers(identity);
  const name = `${trigger?.metadata?.name}-x`;

  // Found without its function an hour ago, so that nothing can be in its queue.
  const annotations = { [UNUSED_SINCE]: new Date(Date.now() - 3_600_000).toISOString() };
  await create(again(trigger as AnyObject, { name, annotations }));

  await until(
    'it to be gone',
    async () => !(await world.triggers(identity)).some((one) => one.metadata?.name === name),
  );
  expect(await world.triggers(identity)).toHaveLength(1);
}

test('a build that nobody has let run runs', async () => {
  const identity = world.parser('waiting');
  await build(identity);
  const [job] = await world.jobs(identity);
  const { selector: _selector, ...spec } = job?.spec ?? {};
  const { annotations } = spec.template.metadata;
  const labels = job?.metadata?.labels;
  await world.remove('batch/v1', 'Job', job?.metadata?.name ?? '', world.buildsNamespace);
  await until('the former Job to be gone', async () => (await world.jobs(identity)).length === 0);
  // Whoever sees it go lets others run.
  await pause(2);

  await create({
    ...again(
      { ...job, apiVersion: 'batch/v1', kind: 'Job' },
      {
        labels: { ...labels, 'knative-lambda/admission': 'waiting' },
        finalizers: ['knative-lambda/terminal-event'],
      },
    ),
    // Without what Kubernetes has added for the former one.
    spec: { ...spec, suspend: true, template: { ...spec.template, metadata: { annotations, labels } } },
  });

  await until('it to run', async () => (await world.jobs(identity)).some(({ spec }) => spec.suspend === false));
});

test('a build that was told to end goes, with the reason that it was given', async () => {
  const identity = world.parser('half-ended');
  await world.upload(identity, slowToBuild('never', 30));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.build.started', identity);
  const [job] = await world.jobs(identity);
  const ended = { status: 'superseded', reason: 'Superseded', message: 'by whoever died after saying so' };

  await world.patch({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: job?.metadata?.name ?? '',
      namespace: world.buildsNamespace,
      annotations: { 'knative-lambda/ended': JSON.stringify(ended) },
    },
  });

  const complete = await world.seen('build.complete', identity);
  expect(complete.data).toMatchObject({ status: 'superseded', error_message: ended.message });
  await until('its Job to be gone', async () => (await world.jobs(identity)).length === 0);
  expect(world.endings(identity)).toHaveLength(1);
});
