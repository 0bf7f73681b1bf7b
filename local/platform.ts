/**
 * The embedded platform: S3, Kubernetes, Knative and the Broker in one process tree, on 127.0.0.1 alone. For
 * development.
 */
import { join, resolve } from 'node:path';
import type { Address, ObjectRef } from './broker/address.ts';
import { startBroker } from './broker/start-broker.ts';
import type { Tap } from './broker/tap.ts';
import { startJobController } from './jobs/job-controller.ts';
import { ImageStore } from './kubelet/images.ts';
import { guardFile, type Kubelet, startKubelet } from './kubelet/kubelet.ts';
import { losePods } from './kubelet/lose-pods.ts';
import { createPodLogFiles } from './kubelet/pod-log-files.ts';
import { startKubernetesApi } from './kubernetes/start-kubernetes-api.ts';
import { createStorage, type Storage } from './kubernetes/storage.ts';
import { writeKubeconfig } from './kubernetes/write-kubeconfig.ts';
import { startRegistry } from './registry/start-registry.ts';
import { awaitReady } from './run/await-ready.ts';
import { applyAll, clusterObjects } from './run/cluster-objects.ts';
import { FormerPorts } from './run/former-ports.ts';
import { awaitFormerEnd, lockDirectory } from './run/lock-directory.ts';
import { registerPlatformImages } from './run/platform-images.ts';
import { stateDirectory } from './run/state-directory.ts';
import { startS3 } from './s3.ts';
import { startServing } from './serving/start-serving.ts';
import { startSources } from './sources/start-sources.ts';

export interface PlatformOptions {
  /**
   * Where everything is kept that outlives it: objects, queues, S3, images. One platform at a time; the next one there
   * goes on with it. Below a project it becomes a link to a folder elsewhere (run/state-directory.ts).
   */
  directory: string;
  /** Ports: 0, the default, takes that of the last run in this directory, or any free one. */
  brokerPort?: number;
  s3Port?: number;
  registryPort?: number;
  kubernetesPort?: number;
  gatewayPort?: number;
  /** How long a function without requests keeps its pods; default 20. */
  stableWindowSeconds?: number;
  /** Before a Job's second attempt; default 10, as in Kubernetes. */
  jobBackoffSeconds?: number;
  /** Overrides of the ConfigMap `knative-lambda-config`. */
  config?: Record<string, string>;
  /** What passes through the Broker. */
  onEvent?: Tap;
  log?: (line: string) => void;
}

export interface Platform {
  brokerUrl: string;
  s3Url: string;
  registryUrl: string;
  kubernetesUrl: string;
  gatewayUrl: string;
  /** Path. */
  kubeconfig: string;
  /** Of the builder's and the users' functions. */
  namespace: string;
  /** Ends every child. May be called twice. */
  close(): Promise<void>;
}

const ROOT = resolve(import.meta.dirname, '..');
const READY_SECONDS = 60;
const SERVICES = 'services.serving.knative.dev';
const TRIGGERS = 'triggers.eventing.knative.dev';

/**
 * Resolves when the Broker takes events and every builder function has been ready. What failed to start leaves nothing
 * behind.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const started = new AsyncDisposableStack();
  try {
    const addresses = await start(options, started);
    let closing: Promise<void> | undefined;
    return {
      ...addresses,
      close: () => {
        closing ??= started.disposeAsync();
        return closing;
      },
    };
  } catch (error) {
    await started.disposeAsync().catch(() => {});
    throw error;
  }
}

/** What it has started, in that order, goes to the stack. */
async function start(options: PlatformOptions, started: AsyncDisposableStack): Promise<Omit<Platform, 'close'>> {
  const { path: directory, seen } = stateDirectory(options.directory);
  const { log = () => {}, brokerPort = 0, s3Port = 0, registryPort = 0, kubernetesPort = 0, gatewayPort = 0 } = options;
  if (seen !== undefined) {
    log(`functions and builds may find ${seen}, which no cluster has: choose another place by LOCAL_DIRECTORY=…`);
  }
  started.defer(lockDirectory(directory));
  await awaitFormerEnd(guardFile(directory));
  const ports = new FormerPorts(directory);
  const { namespace, config } = clusterObjects(ROOT, options.config ?? {});

  const buckets = [config['SOURCE_BUCKET'] ?? '', config['TEMPORARY_BUCKET'] ?? ''];
  const s3 = await ports.listen('S3_PORT', s3Port, (port) =>
    startS3({ directory: join(directory, 's3'), port, buckets }),
  );
  started.defer(s3.close);
  const registry = await ports.listen('REGISTRY_PORT', registryPort, (port) => startRegistry({ directory, port }));
  started.defer(registry.close);

  const storage = createStorage(join(directory, 'objects.jsonl'));
  started.defer(storage.close);
  losePods(storage);
  const images = new ImageStore(directory);
  images.removeUnfinished();
  registerPlatformImages(images, { root: ROOT, directory, config });
  const logs = createPodLogFiles(join(directory, 'logs'), storage);
  const kubeconfig = join(resolve(options.directory), 'kubeconfig');
  // Ends after whatever its pods speak to, so that nothing they say while they end is taken for news.
  let kubelet: Kubelet | undefined;
  started.defer(() => kubelet?.close());
  const api = await ports.listen('KUBERNETES_PORT', kubernetesPort, (port) =>
    startKubernetesApi({ storage, logs, port }),
  );
  started.defer(api.close);
  await writeKubeconfig(kubeconfig, api.url, namespace);

  const scaling = { stableWindowSeconds: options.stableWindowSeconds ?? 20, scaleToZeroGraceSeconds: 1 };
  const serving = await ports.listen('GATEWAY_PORT', gatewayPort, (port) =>
    startServing({ storage, port, options: scaling, log }),
  );
  started.defer(serving.close);

  const resolveRef = (ref: ObjectRef): Address | undefined => addressOf(storage, ref, serving.url);
  const broker = await ports.listen('BROKER_PORT', brokerPort, (port) =>
    startBroker({
      storage,
      namespace,
      port,
      queueFile: join(directory, 'queues.jsonl'),
      resolve: resolveRef,
      api: serving.as(namespace, 'gateway'),
      log,
      ...(options.onEvent ? { tap: options.onEvent } : {}),
    }),
  );
  started.defer(broker.close);
  const sources = startSources({ storage, kubernetesUrl: api.url, resolve: resolveRef, log });
  started.defer(sources.close);
  ports.keep();
  log(
    `broker ${broker.url} · S3 ${s3.url} · registry ${registry.url} · Kubernetes ${api.url} · gateway ${serving.url}`,
  );

  const addresses = { BROKER_URL: broker.url, S3_ENDPOINT: s3.url, REGISTRY_ENDPOINT: registry.url };
  const { objects } = clusterObjects(ROOT, { ...addresses, ...options.config });
  applyAll(storage, objects);
  // What runs comes last: the sources tell nothing of what ended before them, and no pod may see the addresses of the
  // last run.
  const jobs = startJobController({
    storage,
    log,
    ...(options.jobBackoffSeconds === undefined ? {} : { backoffSeconds: options.jobBackoffSeconds }),
  });
  started.defer(jobs.close);
  kubelet = startKubelet({ storage, images, directory, logs, kubeconfig, log });

  const named = (kind: string) => objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
  const patience = { namespace, seconds: READY_SECONDS };
  await awaitReady(storage, SERVICES, { ...patience, names: named('Service'), failFast: true });
  await awaitReady(storage, TRIGGERS, { ...patience, names: named('Trigger') });

  return {
    brokerUrl: broker.url,
    s3Url: s3.url,
    registryUrl: registry.url,
    kubernetesUrl: api.url,
    gatewayUrl: serving.url,
    kubeconfig,
    namespace,
  };
}

/** Names of the cluster resolve nowhere on this machine: what has such a name is asked by way of the gateway. */
function addressOf(
  storage: Storage,
  { apiVersion, kind, namespace, name }: ObjectRef,
  gateway: string,
): Address | undefined {
  if (kind !== 'Service' || !apiVersion.startsWith('serving.knative.dev/')) {
    return undefined;
  }
  const url: string | undefined = storage.get(SERVICES, namespace, name)?.['status']?.address?.url;
  return url === undefined ? undefined : { url, via: gateway };
}
