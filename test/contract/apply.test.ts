/**
 * What build-complete takes for granted of Kubernetes: an apply can be told to be the first, or to replace one version
 * and no other.
 */
import { randomBytes } from 'node:crypto';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type KnativeObject, NOT_THERE } from '#shared/clients/cluster.ts';
import { createCluster } from '#shared/clients/kubernetes.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';

const conflict = expect.objectContaining({ reason: 'Conflict' });

test('of several first applies one creates; what it made is replaced by its version alone', async () => {
  const { kubeconfig, namespace } = inject('platform');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig);
  const settings = { NAMESPACE: namespace, BUILDS_NAMESPACE: `${namespace}-builds` };
  const cluster = createCluster(settings, { kubeConfig });
  const name = `first-${randomBytes(4).toString('hex')}`;
  onTestFinished(async () => {
    await cluster.deleteTrigger(name);
    await cluster.close();
  });
  // Of no Broker: nothing comes of it.
  const trigger = (path: string, resourceVersion = NOT_THERE): KnativeObject => ({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name, resourceVersion },
    spec: { broker: 'no-such-broker', subscriber: { uri: `http://localhost/${path}` } },
  });

  const paths = ['a', 'b', 'c', 'd', 'e'];
  const answers = await Promise.allSettled(paths.map((path) => cluster.applyTrigger(trigger(path))));
  const made = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
  expect(made).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason)).toEqual(
    paths.slice(1).map(() => conflict),
  );
  const [first] = made;
  expect((await cluster.getTrigger(name))?.metadata.uid).toBe(first?.metadata.uid);

  await expect(cluster.applyTrigger(trigger('late'))).rejects.toEqual(conflict);
  // Controllers write its status meanwhile.
  const second = await retryConflicts(async () => {
    const { resourceVersion } = (await cluster.getTrigger(name))?.metadata ?? {};
    return await cluster.applyTrigger(trigger('second', resourceVersion));
  });
  expect(second.spec.subscriber.uri).toBe('http://localhost/second');
  await expect(cluster.applyTrigger(trigger('third', first?.metadata.resourceVersion))).rejects.toEqual(conflict);
});
