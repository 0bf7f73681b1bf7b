/**
 * Lets deployed functions scale to zero within seconds: twenty measurements from zero would otherwise take an hour. It
 * adds annotations to their Services, and takes them away afterwards, so each of them gets two new revisions.
 */
import { waitUntil } from '#test/contract/wait-until.ts';
import type { UnderTest } from './under-test.ts';

const PREFIX = 'autoscaling.knative.dev/';
/** The shortest window that Knative takes. */
const SHORTEST = { [`${PREFIX}window`]: '6s', [`${PREFIX}scale-down-delay`]: '0s' };
const READY_SECONDS = 180;

interface Service {
  metadata: { name: string; generation?: number };
  spec: { template: { metadata: { annotations?: Record<string, string> } } };
  status?: {
    observedGeneration?: number;
    latestCreatedRevisionName?: string;
    latestReadyRevisionName?: string;
    conditions?: { type: string; status: string }[];
  };
}

/** Answers what makes all as it was. */
export async function idleSoon(target: UnderTest, names: string[]): Promise<() => Promise<void>> {
  const before = await Promise.all(names.map((name) => read(target, name)));
  const annotate = async (annotationsOf: (service: Service) => Record<string, string | null>) => {
    for (const service of before) {
      await patch(target, service.metadata.name, annotationsOf(service));
    }
    for (const name of names) {
      await waitUntil(`Service ${name} to be Ready`, async () => isReady(await read(target, name)), {
        seconds: READY_SECONDS,
        every: 200,
      });
    }
  };
  const restore = () =>
    annotate(({ spec }) => {
      const annotations = spec.template.metadata.annotations ?? {};
      return Object.fromEntries(Object.keys(SHORTEST).map((key) => [key, annotations[key] ?? null]));
    });
  try {
    await annotate(() => SHORTEST);
  } catch (error) {
    await restore();
    throw error;
  }
  return restore;
}

async function read({ objects, platform: { namespace } }: UnderTest, name: string): Promise<Service> {
  const metadata = { name, namespace };
  return (await objects.read({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata,
  })) as unknown as Service;
}

async function patch(
  { objects, platform: { namespace } }: UnderTest,
  name: string,
  annotations: Record<string, string | null>,
): Promise<void> {
  await objects.patch(
    {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { template: { metadata: { annotations } } },
    } as never,
    undefined,
    undefined,
    undefined,
    undefined,
    'application/merge-patch+json' as never,
  );
}

function isReady({ metadata, status }: Service): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    status?.latestCreatedRevisionName === status?.latestReadyRevisionName &&
    (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True')
  );
}
