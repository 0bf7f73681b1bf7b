/**
 * The deployment of KUBECONFIG and ENV, through the same probe as `make e2e`: its events as they pass, and ways to
 * send, upload and call.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CoreV1Api, KubeConfig, KubernetesObjectApi, type V1OwnerReference } from '@kubernetes/client-node';
import { type CloudEvent, HTTP } from 'cloudevents';
import type { Identity } from '#shared/events/identity.ts';
import { follow } from '#test/contract/follow.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';
import { binary, type EventToSend, post } from '#test/contract/post.ts';
import { subscribe } from '#test/contract/subscribe.ts';
import { waitUntil } from '#test/contract/wait-until.ts';
import { openPlatform } from '#test/e2e/setup.ts';

/** An event that the broker delivered. */
export interface Seen {
  /** Milliseconds, by performance.now(). */
  at: number;
  // biome-ignore lint/suspicious/noExplicitAny: each type has its own data.
  event: CloudEvent<any>;
}

export interface ClusterUnderTest {
  platform: PlatformUnderTest;
  kubeconfig: KubeConfig;
  core: CoreV1Api;
  objects: KubernetesObjectApi;
  /** ConfigMap knative-lambda-config. */
  config: Record<string, string>;
  /** The probe's: what it owns goes when it goes. */
  owner: V1OwnerReference;
  /** All since the start, oldest first. */
  seen: Seen[];
  /** A function that nobody else knows, of a tenant of its own: no layer of its is cached yet. */
  identity(role: string): Identity;
  /** Answers the event's id. */
  send(event: EventToSend): Promise<string>;
  upload(identity: Identity, files: Record<string, string>): Promise<void>;
  /** How long the Service takes to answer, in milliseconds. Throws where it answers anything but 2xx. */
  call(service: string, event: EventToSend): Promise<number>;
  /** The first that matches, waited for. */
  wait(what: string, matches: (seen: Seen) => boolean, seconds?: number): Promise<Seen>;
  /**
   * Does this without the probe, to which the Broker otherwise delivers every event: nothing is added to `seen`
   * meanwhile.
   */
  unobserved<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A signal has `first` done, closes the cluster, and ends the process. */
export async function openCluster(first: () => Promise<void>): Promise<ClusterUnderTest> {
  const { platform, close: closeProbe } = await openPlatform(first);
  const { run, namespace, probe } = platform;
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromDefault();
  const core = kubeconfig.makeApiClient(CoreV1Api);
  const pod = await core.readNamespacedPod({ namespace, name: `e2e-probe-${run}` });
  const { data: config = {} } = await core.readNamespacedConfigMap({ namespace, name: 'knative-lambda-config' });
  const objects = KubernetesObjectApi.makeApiClient(kubeconfig);
  const owner = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' };
  const s3 = new S3Client({ ...platform.s3, forcePathStyle: true });
  const closing = new AbortController();
  const seen: Seen[] = [];
  await follow(
    probe.url,
    (record) => {
      if (record.path === '/') {
        seen.push({ at: performance.now(), event: HTTP.toEvent(record) as CloudEvent<unknown> });
      }
    },
    { signal: closing.signal },
  );
  return {
    platform,
    kubeconfig,
    core,
    objects,
    config,
    owner,
    seen,
    identity: (role) => {
      const mark = randomBytes(2).toString('hex');
      return { third_party_id: `bench-${run}-${mark}`, parser_id: `${role}-${run}-${mark}` };
    },
    async send(event) {
      const message = binary(event);
      const { status } = await post(new URL(platform.brokerUrl), message);
      if (status !== 202) {
        throw new Error(`the broker answered ${status} to ${event.type}`);
      }
      return message.headers['ce-id'] ?? '';
    },
    async upload({ parser_id }, files) {
      for (const [name, Body] of Object.entries(files)) {
        const Key = `global/parser/${parser_id}/${name}`;
        await s3.send(new PutObjectCommand({ Bucket: platform.sourceBucket, Key, Body }));
      }
    },
    async call(service, event) {
      const { headers, body } = binary(event);
      const host = `${service}.${namespace}.svc.cluster.local`;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      // Opens the way through the API server to the probe, which is no part of what is measured.
      await exchange(agent, platform.gatewayUrl, { headers: { host: 'localhost' }, body: '' });
      const began = performance.now();
      const status = await exchange(agent, platform.gatewayUrl, { headers: { ...headers, host }, body });
      const took = performance.now() - began;
      agent.destroy();
      if (status < 200 || status > 299) {
        throw new Error(`${service} answered ${status}`);
      }
      return took;
    },
    async unobserved(work) {
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
        await subscribe(objects, { name, namespace, uri: probe.subscriber, owner, retries: false }, 180);
      }
    },
    wait: (what, matches, seconds = 240) => waitUntil(what, () => seen.find(matches), { seconds, every: 20 }),
    async close() {
      closing.abort();
      s3.destroy();
      await closeProbe();
    },
  };
}

async function exchange(
  agent: Agent,
  url: string,
  { headers, body }: { headers: Record<string, string>; body: string | Buffer },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      response.on('end', () => resolve(response.statusCode ?? 0)).on('error', reject);
      response.resume();
    });
    call.on('error', reject).end(body);
  });
}
