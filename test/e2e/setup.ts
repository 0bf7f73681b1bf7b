/**
 * Finds the deployed environment by KUBECONFIG and ENV, and opens ways into it, so that the suite runs there as it does
 * on a laptop.
 */
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CoordinationV1Api, CoreV1Api, KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import type { TestProject } from 'vitest/node';
import type { PlatformUnderTest } from '#test/contract/platform.ts';
import { POD_PORTS } from '#test/contract/probe.ts';
import { findDeployment } from './deployment.ts';
import { connectToPod } from './pod-stream.ts';
import { createPrincipals, forgetPrincipals } from './principals.ts';
import { clearBuckets, removeObjects } from './remove-traces.ts';
import { deadRuns, removeSettledLease, takeRunLease } from './run-lease.ts';
import { createScriptPod, PROBE } from './script-pod.ts';
import { openTunnel, through } from './tunnel.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { platform, close } = await openPlatform();
  project.provide('platform', platform);
  return close;
}

export interface OpenPlatform {
  platform: PlatformUnderTest;
  /** The second call waits for the first. */
  close(): Promise<void>;
}

/**
 * Whoever opens it must close it: there is a pod in the cluster until then. A signal closes it as well, once `first` is
 * done, and ends the process. What the signal came too early for, and what a killed run has left, the next one removes.
 */
export async function openPlatform(first: () => Promise<void> = async () => undefined): Promise<OpenPlatform> {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromDefault();
  const clients = {
    core: kubeconfig.makeApiClient(CoreV1Api),
    objects: KubernetesObjectApi.makeApiClient(kubeconfig),
  };
  const namespace = `knative-lambda-${process.env['ENV'] ?? 'dev'}`;
  const deployment = await findDeployment(clients, namespace);
  const { config } = deployment;

  const leases = kubeconfig.makeApiClient(CoordinationV1Api);
  const steps: (() => Promise<void>)[] = [];
  const stop = (signal: string) => {
    if (!stopped) {
      stopped = true;
      console.error(`${signal}: cleaning up …`);
      lease.abandon();
      void first()
        .catch(() => undefined)
        .then(close)
        .finally(() => process.exit(130));
    }
  };
  let stopped = false;
  const lease = await takeRunLease(leases, namespace, () => stop('the process that started this one is gone'));
  const { run } = lease;
  steps.push(async () => (stopped ? undefined : lease.release()));
  let closing: Promise<void> | undefined;
  const close = async () => {
    closing ??= (async () => {
      for (const step of steps.splice(0).reverse()) {
        await step().catch((error: Error) => console.error(`cleaning up: ${error.message}`));
      }
    })();
    await closing;
  };
  // Vitest tears nothing down when a signal ends it, and is gone a millisecond later. Not `once`: a second signal must
  // not end the process before it has cleaned up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal);
    process.on(signal, stop);
  }
  try {
    const dead = await deadRuns(leases, namespace);
    for (const each of dead) {
      console.error(`removing what the run ${each} has left …`);
      await removeObjects(each, namespace, clients.objects);
      await forgetPrincipals(clients.core, namespace, each);
    }
    const pod = await createScriptPod(clients, PROBE, { run, namespace, image: deployment.image });
    steps.push(pod.remove);
    const dial = () => connectToPod(kubeconfig, { namespace, name: pod.name, port: POD_PORTS.suite });
    const open = async (target?: string) => {
      const tunnel = await openTunnel(target === undefined ? dial : through(dial, target));
      steps.push(tunnel.close);
      return tunnel.url;
    };
    const principals = deployment.eventKey ? await createPrincipals(clients.core, namespace, run) : undefined;
    if (principals) {
      steps.push(principals.remove);
    }
    const endpoint = process.env['E2E_S3_ENDPOINT'] ?? (await tunnelled(config['S3_ENDPOINT'], open));
    const probe = await open();
    const platform: PlatformUnderTest = {
      run,
      brokerUrl: await open(deployment.broker),
      gatewayUrl: probe,
      s3: {
        region: config['AWS_REGION'] ?? 'us-east-1',
        ...(endpoint ? { endpoint } : {}),
        ...(deployment.credentials ? { credentials: deployment.credentials } : {}),
      },
      sourceBucket: config['SOURCE_BUCKET'] ?? '',
      sourcePrefix: config['SOURCE_PREFIX'] ?? 'global/parser/{parser_id}/',
      ...(deployment.eventKey ? { eventKey: deployment.eventKey } : {}),
      ...(principals ? { tokens: principals.tokens } : {}),
      temporaryBucket: config['TEMPORARY_BUCKET'] ?? '',
      kubeconfig: kubeconfig.exportConfig(),
      namespace,
      probe: { url: probe, subscriber: pod.subscriber },
      languages: ['node', 'python', 'go'],
      // Pods are scheduled, images pulled, Kaniko unpacks.
      pace: { patience: 4, every: 400 },
    };
    await requireBuckets(platform);
    steps.push(() => clearBuckets(run, platform));
    steps.push(() => removeObjects(run, namespace, clients.objects, pod.name));
    for (const each of dead) {
      await clearBuckets(each, platform);
      await removeSettledLease(leases, namespace, each);
    }
    return { platform, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The address that the deployment uses, by way of the probe: its name means nothing here. */
async function tunnelled(endpoint: string | undefined, open: (target: string) => Promise<string>) {
  // An https one has a certificate for its own name, so that is the name to use.
  if (!endpoint?.startsWith('http:')) {
    return endpoint;
  }
  const { hostname, port } = new URL(endpoint);
  return open(`${hostname}:${port || 80}`);
}

async function requireBuckets({ s3, sourceBucket, temporaryBucket }: PlatformUnderTest): Promise<void> {
  const client = new S3Client({ ...s3, forcePathStyle: true });
  for (const Bucket of [sourceBucket, temporaryBucket]) {
    await client.send(new HeadBucketCommand({ Bucket })).catch((error: Error) => {
      throw new Error(
        `bucket ${Bucket} cannot be used from here (${error.name}): see that it is there and that these credentials may; E2E_S3_ENDPOINT names another way to S3`,
      );
    });
  }
  client.destroy();
}
