/** What a measurement knows of a platform, of a laptop or a cluster: ways to send, upload and call, and all events. */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CoreV1Api, KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { type Identity, idSchema } from '#shared/events/identity.ts';
import { signHeaders, signingKeys } from '#shared/runtime/signing.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';
import { binary, type EventToSend, post } from '#test/contract/post.ts';
import { waitUntil } from '#test/contract/wait-until.ts';

/** An event that the Broker delivered. */
export interface Seen {
  /** Milliseconds, by performance.now(). */
  at: number;
  event: SeenEvent;
}

export interface SeenEvent {
  type: string;
  id: string;
  source: string;
  subject?: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: each type has its own data.
  data?: any;
}

export type MeasuredPlatform = Omit<PlatformUnderTest, 'probe' | 'languages' | 'pace' | 'directory'>;

export interface UnderTest {
  platform: MeasuredPlatform;
  kubeconfig: KubeConfig;
  core: CoreV1Api;
  objects: KubernetesObjectApi;
  /** ConfigMap knative-lambda-config. */
  config: Record<string, string>;
  /** All since the start, oldest first. */
  seen: Seen[];
  /** A function that nobody else knows, of a tenant of its own: no layer of its is cached yet. */
  identity(role: string): Identity;
  /** Signed where events must be. Answers the event's id. */
  send(event: EventToSend): Promise<string>;
  upload(identity: Identity, files: Record<string, string>): Promise<void>;
  /** What the temporary bucket has below it. Of no more than a thousand. */
  kept(prefix: string): Promise<string[]>;
  /** How long the Service takes to answer, in milliseconds. Throws where it answers anything but 2xx. */
  call(service: string, event: EventToSend): Promise<number>;
  /** The first that matches, waited for. */
  wait(what: string, matches: (seen: Seen) => boolean, seconds?: number): Promise<Seen>;
  close(): Promise<void>;
}

export const BENCH_SOURCE = 'bench';
/** Of one request. Longer than a function takes from zero on a busy machine. */
const PATIENCE_SECONDS = 120;
/** Between two looks at the events, in milliseconds: the next step begins that late at most. */
const LOOK_EVERY = 5;
/** Of a subject's events, for the message of a wait that was in vain. */
const TOLD_LENGTH = 300;

/** `seen` is filled by whoever opened the platform. */
export async function underTest(
  platform: MeasuredPlatform,
  { seen, close }: { seen: Seen[]; close: () => Promise<void> },
): Promise<UnderTest> {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromString(platform.kubeconfig);
  const core = kubeconfig.makeApiClient(CoreV1Api);
  const { run, namespace } = platform;
  const { data: config = {} } = await core.readNamespacedConfigMap({ namespace, name: 'knative-lambda-config' });
  const s3 = new S3Client({ ...platform.s3, forcePathStyle: true });
  const keys = signingKeys({ EVENT_KEY: platform.eventKey });
  return {
    platform,
    kubeconfig,
    core,
    objects: KubernetesObjectApi.makeApiClient(kubeconfig),
    config,
    seen,
    identity: (role) => {
      const mark = randomBytes(2).toString('hex');
      return { third_party_id: `bench-${run}-${mark}`, parser_id: `${role}-${run}-${mark}` };
    },
    async send(event) {
      const message = binary({ source: BENCH_SOURCE, ...event });
      if (keys) {
        const { third_party_id } = (event.data ?? {}) as { third_party_id?: unknown };
        const tenant = event.subject ? undefined : idSchema.safeParse(third_party_id).data;
        signHeaders(message.headers, message.body, keys, tenant === undefined ? {} : { tenant });
      }
      const { status } = await within(`the Broker to take ${event.type}`, post(new URL(platform.brokerUrl), message));
      if (status !== 202) {
        throw new Error(`the Broker answered ${status} to ${event.type}`);
      }
      return message.headers['ce-id'] ?? '';
    },
    async upload(identity, files) {
      const prefix = platform.sourcePrefix
        .replaceAll('{third_party_id}', identity.third_party_id)
        .replaceAll('{parser_id}', identity.parser_id);
      for (const [name, Body] of Object.entries(files)) {
        await s3.send(new PutObjectCommand({ Bucket: platform.sourceBucket, Key: `${prefix}${name}`, Body }));
      }
    },
    async kept(Prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: platform.temporaryBucket, Prefix }));
      return Contents.map(({ Key = '' }) => Key);
    },
    async call(service, event) {
      const { headers, body } = binary(event);
      const host = `${service}.${namespace}.svc.cluster.local`;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        // Opens the way to the gateway, which is no part of what is measured.
        await exchange(agent, platform.gatewayUrl, { headers: { host: 'localhost' }, body: '' });
        const began = performance.now();
        const status = await within(
          `${service} to answer`,
          exchange(agent, platform.gatewayUrl, { headers: { ...headers, host }, body }),
        );
        const took = performance.now() - began;
        if (status < 200 || status > 299) {
          throw new Error(`${service} answered ${status}`);
        }
        return took;
      } finally {
        agent.destroy();
      }
    },
    wait: (what, matches, seconds = 240) =>
      waitUntil(what, () => seen.find(matches), { seconds, every: LOOK_EVERY, story: () => lastOf(seen) }),
    async close() {
      s3.destroy();
      await close();
    },
  };
}

/** Rejects with a sentence where the work does not end. */
export async function within<T>(what: string, work: Promise<T>, seconds = PATIENCE_SECONDS): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${seconds} s for ${what}`)), seconds * 1000);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the Broker delivered last, so that a wait in vain says what came in its place. */
function lastOf(seen: Seen[]): string {
  const lines = seen
    .slice(-10)
    .map(({ event }) => `${event.type} ${event.subject ?? ''} ${JSON.stringify(event.data ?? null)}`);
  return ['the last events that were delivered:', ...lines.map((line) => line.slice(0, TOLD_LENGTH))].join('\n  ');
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
