/**
 * The Services that are called from zero: copies of a deployed one that idle soon, and baselines that differ from it in
 * what they run alone.
 */
import type { V1Container, V1OwnerReference } from '@kubernetes/client-node';
import type { UnderTest } from '#bench/under-test.ts';
import { waitUntil } from '#test/contract/wait-until.ts';

export interface KnativeService {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; [field: string]: unknown };
  spec: {
    template: {
      metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
      spec: { containers: V1Container[]; [field: string]: unknown };
    };
  };
}

/** The shortest that Knative takes: thirty samples of a function that idles after minutes would take hours. */
const WINDOW = '6s';
const READY_SECONDS = 180;

export function copyOf(service: KnativeService, name: string, owner: V1OwnerReference): KnativeService {
  const { metadata, spec } = service.spec.template;
  const { 'autoscaling.knative.dev/scale-down-delay': _, ...annotations } = metadata.annotations ?? {};
  return {
    apiVersion: service.apiVersion,
    kind: service.kind,
    metadata: {
      name,
      namespace: service.metadata.namespace,
      labels: { 'networking.knative.dev/visibility': 'cluster-local' },
      ownerReferences: [owner],
    },
    spec: {
      template: {
        // Network policies go by the labels.
        metadata: {
          labels: { ...metadata.labels },
          annotations: { ...annotations, 'autoscaling.knative.dev/window': WINDOW },
        },
        spec: structuredClone(spec),
      },
    },
  };
}

/** The same pod, with the same probes, limits and security context, but for its program. */
export function running(copy: KnativeService, program: Pick<V1Container, 'image' | 'command'>): KnativeService {
  const { metadata, spec } = copy.spec.template;
  const { env: _env, envFrom: _from, ...container } = spec.containers[0] as V1Container;
  // The base image's own user may be root.
  const securityContext = { ...container.securityContext, runAsUser: 65532 };
  const containers = [{ ...container, ...program, securityContext }];
  return { ...copy, spec: { template: { metadata, spec: { ...spec, containers } } } };
}

/** Node's own server, nothing else. */
export const HELLO = [
  'node',
  '-e',
  "process.on('SIGTERM', () => process.exit()); require('http').createServer((_, r) => r.writeHead(202).end()).listen(process.env.PORT)",
];

export async function readService({ objects, platform }: UnderTest, name: string): Promise<KnativeService> {
  const metadata = { name, namespace: platform.namespace };
  return (await objects.read({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata })) as KnativeService;
}

/** All at once; resolves when each is Ready. */
export async function createAndWait(target: UnderTest, services: KnativeService[]): Promise<void> {
  for (const service of services) {
    await target.objects.create(service as never);
  }
  for (const { metadata } of services) {
    await waitUntil(
      `Service ${metadata.name} to be Ready (kubectl describe ksvc -n ${metadata.namespace} ${metadata.name})`,
      async () => isReady(await readService(target, metadata.name)),
      { seconds: READY_SECONDS, every: 500 },
    );
  }
}

function isReady(service: KnativeService): boolean {
  const { status } = service as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
