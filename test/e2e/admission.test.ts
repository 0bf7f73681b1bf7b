/**
 * What is made for a function is admitted where it is made: as the namespaces' Pod Security levels and quotas want it,
 * without a warning.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slowToBuild } from '#test/contract/sources.ts';
import { until } from '#test/contract/until.ts';
import { type AnyObject, World } from '#test/contract/world.ts';
import { createDryRun } from './dry-run.ts';

interface KubernetesEvent {
  reason: string;
  message: string;
}

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** As it was asked for: what the cluster added to it comes again. */
function copyOf({ metadata, spec }: AnyObject): AnyObject {
  const { nodeName: _, ...rest } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'copy', namespace: metadata?.namespace ?? '', labels: metadata?.labels ?? {} },
    spec: { ...rest, serviceAccountName: spec.serviceAccountName },
  };
}

async function level(namespace: string, mode: string): Promise<string | undefined> {
  const { metadata } = await world.object('v1', 'Namespace', namespace);
  return metadata?.labels?.[`pod-security.kubernetes.io/${mode}`];
}

test('Pod Security admits functions as restricted, and builds as baseline', async () => {
  const { kubeconfig, namespace } = world.platform;
  // Warned of is what violates it; enforced it cannot be where the Broker's own pods would be refused.
  expect(await level(namespace, 'warn')).toBe('restricted');
  expect(await level(world.buildsNamespace, 'enforce')).toBe('baseline');

  const identity = world.parser('admitted');
  await world.upload(identity, slowToBuild('admitted', 5));
  await world.send({ type: 'build.start', data: identity });
  const { data } = await world.seen('lifecycle.build.started', identity);
  const build = await until('a pod of the build', async () =>
    (await world.pods(`batch.kubernetes.io/job-name=${data.job_name}`, world.buildsNamespace)).at(0),
  );
  const { status } = await world.object('v1', 'ResourceQuota', 'builds', world.buildsNamespace);
  expect(status.used.pods).not.toBe('0');
  const ready = await world.seen('lifecycle.function.ready', identity);
  const functions = await world.pods(`serving.knative.dev/service=${ready.data.service_name}`);
  const builders = await world.pods('app.kubernetes.io/component=builder');
  expect(functions.length).toBeGreaterThan(0);
  expect(builders.length).toBeGreaterThan(0);

  const control = { ...build, metadata: { namespace }, spec: { containers: [{ name: 'careless', image: 'any' }] } };
  expect((await createDryRun(kubeconfig, copyOf(control))).warnings).toEqual([expect.stringContaining('restricted')]);
  for (const pod of [build, ...functions, ...builders]) {
    expect(await createDryRun(kubeconfig, copyOf(pod)), pod.metadata?.name).toEqual({ status: 201, warnings: [] });
  }
});

test('nothing that a controller wanted to create for us was refused', async () => {
  for (const namespace of [world.platform.namespace, world.buildsNamespace]) {
    const events = await world.list('v1', 'Event', namespace);
    const refused = (events as unknown as KubernetesEvent[]).filter(({ reason }) => reason === 'FailedCreate');
    expect(refused.map(({ message }) => message)).toEqual([]);
  }
});
