/** The caller's pod in the deployment of a run, and a way to have it make calls. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, KubeConfig, KubernetesObjectApi, type V1OwnerReference } from '@kubernetes/client-node';
import { SIGNATURE } from '#shared/events/signature.ts';
import { signHeaders, signingKeys } from '#shared/runtime/signing.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';
import { POD_PORTS } from '#test/contract/probe.ts';
import { CALL, type Plan, type Report, type Stream, type StreamReport } from './caller.ts';
import { findDeployment } from './deployment.ts';
import { connectToPod } from './pod-stream.ts';
import { CALLER, createScriptPod, PROBE } from './script-pod.ts';
import { openTunnel } from './tunnel.ts';

const LOOK_EVERY_MILLISECONDS = 500;
/** A report that cannot be read is asked for again: the API server may be away, and the way leads through it. */
const PATIENCE_MILLISECONDS = 600_000;

export interface Caller {
  /** What it owns goes when it goes. */
  owner: V1OwnerReference;
  /** Of the Broker, as pods reach it. */
  brokerUrl: string;
  /** Of a function, as pods reach it. */
  urlOf(service: string): string;
  start(plan: Plan): Promise<Running>;
  /** In the order of the plan's streams. */
  run(plan: Plan): Promise<StreamReport[]>;
  close(): Promise<void>;
}

export interface Running {
  /** How many calls the Broker has taken. Throws while the API server is away. */
  sent(): Promise<number>;
  ended(): Promise<StreamReport[]>;
}

export async function openCaller({
  kubeconfig,
  namespace,
  run,
  eventKey,
}: Pick<PlatformUnderTest, 'kubeconfig' | 'namespace' | 'run' | 'eventKey'>): Promise<Caller> {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const clients = {
    core: config.makeApiClient(CoreV1Api),
    objects: KubernetesObjectApi.makeApiClient(config),
  };
  const { image, broker } = await findDeployment(clients, namespace);
  // Whoever interrupts a run has its probe deleted, and what the probe owns with it.
  const { metadata } = await clients.core.readNamespacedPod({ name: `${PROBE.component}-${run}`, namespace });
  const owner = { apiVersion: 'v1', kind: 'Pod', name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
  const pod = await createScriptPod(clients, CALLER, { run, namespace, image, owner });
  const tunnel = await openTunnel(() => connectToPod(config, { namespace, name: pod.name, port: POD_PORTS.suite }));
  const start = async (plan: Plan): Promise<Running> => {
    const signed = { ...plan, streams: plan.streams.map((stream) => signedStream(stream, eventKey)) };
    const response = await fetch(`${tunnel.url}/plans`, { method: 'POST', body: JSON.stringify(signed) });
    const url = `${tunnel.url}/plans/${await response.text()}`;
    return {
      sent: async () => ((await (await fetch(url)).json()) as Report).sent,
      ended: () => endOf(url),
    };
  };
  return {
    owner: pod.owner,
    brokerUrl: `http://${broker}`,
    urlOf: (service) => `http://${service}.${namespace}.svc.cluster.local`,
    start,
    run: async (plan) => (await start(plan)).ended(),
    async close() {
      await tunnel.close();
      await pod.remove();
    },
  };
}

async function endOf(url: string): Promise<StreamReport[]> {
  let heard = Date.now();
  for (;;) {
    const report = await fetch(url)
      .then(async (response) => (await response.json()) as Report)
      .catch(() => undefined);
    if (report?.done) {
      return report.streams;
    }
    heard = report ? Date.now() : heard;
    if (Date.now() - heard > PATIENCE_MILLISECONDS) {
      throw new Error("the caller's pod cannot be reached any more");
    }
    await sleep(LOOK_EVERY_MILLISECONDS);
  }
}

/** Calls of one function through the Broker. */
export function callsOf(
  { brokerUrl }: Pick<Caller, 'brokerUrl'>,
  subject: string,
  stream: Partial<Stream> & Pick<Stream, 'count'>,
): Stream {
  return { name: subject, url: brokerUrl, subject, data: {}, every: 0, ...stream };
}

/** Each call gets its id and signature here: the caller's pod has no key. One sent to a function needs neither. */
export function signedStream(stream: Stream, eventKey: string | undefined): Stream {
  const keys = signingKeys({ EVENT_KEY: eventKey });
  if (!keys || stream.direct) {
    return stream;
  }
  const body = JSON.stringify(stream.data);
  const signed = Array.from({ length: stream.count }, () => {
    const id = randomUUID();
    const attributes = { type: CALL.type, source: CALL.source, id, subject: stream.subject };
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
    signHeaders(headers, body, keys);
    return { id, signature: headers[`ce-${SIGNATURE}`] ?? '' };
  });
  return { ...stream, signed };
}
