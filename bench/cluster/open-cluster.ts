/**
 * The deployment of KUBECONFIG and ENV, through the same probe as `make e2e`: its events as they pass, and ways to
 * send, upload and call. What is left of it goes as what is left of `make e2e` does.
 */
import type { V1OwnerReference } from '@kubernetes/client-node';
import { HTTP } from 'cloudevents';
import { type Seen, type SeenEvent, type UnderTest, underTest, within } from '#bench/under-test.ts';
import { follow } from '#test/contract/follow.ts';
import { subscribe } from '#test/contract/subscribe.ts';
import { waitUntil } from '#test/contract/wait-until.ts';
import { openPlatform } from '#test/e2e/setup.ts';

export interface ClusterUnderTest extends UnderTest {
  /** The probe's: what it owns goes when it goes. */
  owner: V1OwnerReference;
  /**
   * Does this without the probe, to which the Broker otherwise delivers every event: nothing is added to `seen`
   * meanwhile.
   */
  unobserved<T>(work: () => Promise<T>): Promise<T>;
}

/** A signal has `first` done, closes the cluster, and ends the process. */
export async function openCluster(first: () => Promise<void>): Promise<ClusterUnderTest> {
  const { platform, close: closeProbe } = await openPlatform(first);
  const { run, namespace, probe } = platform;
  const closing = new AbortController();
  const seen: Seen[] = [];
  try {
    const record = ({ path, ...message }: { path: string; headers: Record<string, string>; body: string }) => {
      if (path === '/') {
        seen.push({ at: performance.now(), event: HTTP.toEvent(message) as SeenEvent });
      }
    };
    await within('the probe to tell its events', follow(probe.url, record, { signal: closing.signal }));
    const close = async () => {
      closing.abort();
      await closeProbe();
    };
    const cluster = await underTest(platform, { seen, close });
    const pod = await cluster.core.readNamespacedPod({ namespace, name: `e2e-probe-${run}` });
    const owner = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' };
    return { ...cluster, owner, unobserved: (work) => unobserved(cluster, work, { owner, uri: probe.subscriber }) };
  } catch (error) {
    closing.abort();
    await closeProbe();
    throw error;
  }
}

async function unobserved<T>(
  { objects, platform: { run, namespace } }: UnderTest,
  work: () => Promise<T>,
  { owner, uri }: { owner: V1OwnerReference; uri: string },
): Promise<T> {
  const trigger = { apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger' };
  const name = `e2e-probe-${run}`;
  await objects.delete({ ...trigger, metadata: { name, namespace } });
  await waitUntil(
    `Trigger ${name} to be gone`,
    async () =>
      (await objects.list(trigger.apiVersion, trigger.kind, namespace)).items.every(
        ({ metadata }) => metadata?.name !== name,
      ),
    { seconds: 60, every: 200 },
  );
  try {
    return await work();
  } finally {
    await subscribe(objects, { name, namespace, uri, owner, retries: false }, 180);
  }
}
