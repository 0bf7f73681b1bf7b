/** Whatever happens to a build's pod, the build ends once. */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { answering, slowToBuild } from '#test/contract/sources.ts';
import { PATIENCE, pause, until } from '#test/contract/until.ts';
import { type AnyObject, type RecordedEvent, World } from '#test/contract/world.ts';
import { execute } from './container-exec.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** The pod in which Kaniko is at work. */
async function building(identity: Identity, files: Record<string, string>): Promise<AnyObject> {
  await world.upload(identity, files);
  await world.send({ type: 'build.start', data: identity });
  const { data } = await world.seen('lifecycle.build.started', identity);
  let pods: AnyObject[] = [];
  return until(
    'Kaniko to run',
    async () => {
      pods = await world.pods(`batch.kubernetes.io/job-name=${data.job_name}`, world.buildsNamespace);
      return pods.find(({ status }) => status?.containerStatuses?.[0]?.state.running);
    },
    60,
    () => JSON.stringify(pods.map(({ status }) => status)),
  );
}

/** The one end, once nothing can follow it. */
async function end(identity: Identity): Promise<RecordedEvent> {
  const ending = await world.seen('build.complete', identity, undefined, 100);
  await until('the Job to be released', async () =>
    (await world.jobs(identity)).every(({ metadata }) => !metadata?.finalizers?.length),
  );
  await pause(2);
  expect(world.endings(identity).map(({ id }) => id)).toEqual([ending.id]);
  return ending;
}

// Signals from inside a container do not end its first process, unless it wants to; its debugger does.
const CRASH = `
process.kill(1, 'SIGUSR1');
const crash = { id: 1, method: 'Runtime.evaluate', params: { expression: 'process.abort()' } };
const find = async () => {
  try {
    return await (await fetch('http://127.0.0.1:9229/json')).json();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return find();
  }
};
find().then(([{ webSocketDebuggerUrl }]) => {
  const socket = new WebSocket(webSocketDebuggerUrl);
  socket.onopen = () => socket.send(JSON.stringify(crash));
  socket.onclose = () => process.exit();
});`;

test('the sidecar crashes', async () => {
  const identity = world.parser('sidecar');
  // On a busy machine the debugger takes half a minute to start, and a build that has ended needs no sidecar.
  const { metadata } = await building(identity, slowToBuild('monitored', 30 * PATIENCE));
  const pod = metadata?.name ?? '';
  const container = { namespace: world.buildsNamespace, pod, container: 'build-monitor' };

  const printed = await execute(world.platform.kubeconfig, container, ['node', '--eval', CRASH]);

  await until(
    'the sidecar to have been started again',
    async () => {
      const { status } = await world.object('v1', 'Pod', pod, world.buildsNamespace);
      return status.initContainerStatuses.some(({ restartCount }: { restartCount: number }) => restartCount > 0);
    },
    30,
    () => printed,
  );
  expect((await end(identity)).data).toMatchObject({ status: 'success' });
});

test('its pod is deleted', async () => {
  const identity = world.parser('podless');
  const { metadata } = await building(identity, slowToBuild('second attempt', 10));

  await world.remove('v1', 'Pod', metadata?.name ?? '', world.buildsNamespace);

  expect((await end(identity)).data).toMatchObject({ status: 'success' });
});

test('Kaniko runs out of memory', async ({ skip }) => {
  const identity = world.parser('greedy');
  const config = new KubeConfig();
  config.loadFromString(world.platform.kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const { namespace } = world.platform;
  const { data = {} } = await core.readNamespacedConfigMap({ name: 'knative-lambda-config', namespace });
  const limit = data['BUILD_MEMORY_LIMIT'] ?? '4Gi';
  const { items } = await core.listNode();
  const smallest = Math.min(...items.map(({ status }) => parseQuantity(status?.allocatable?.['memory']) ?? 0));
  skip(
    (parseQuantity(limit) ?? 0) * 4 > smallest,
    `BUILD_MEMORY_LIMIT ${limit} is too much of a node's memory to be used up for a test`,
  );
  const greedy = 'const kept = []; for (;;) kept.push(Buffer.alloc(67108864, 1));';
  await world.upload(identity, {
    ...answering('never'),
    'package.json': JSON.stringify({
      name: 'greedy',
      version: '1.0.0',
      scripts: { postinstall: `node -e "${greedy}"` },
    }),
  });

  await world.send({ type: 'build.start', data: identity });

  expect((await end(identity)).data).toMatchObject({ status: 'failed', reason: 'OutOfMemory' });
});
