/**
 * The columns that kubectl shows of each kind: the names are those of Kubernetes' printers and of Knative's
 * CustomResourceDefinitions.
 */

import type { V1ContainerStatus } from '@kubernetes/client-node';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';

const UNITS: [string, number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
];

export type Cell = (object: KubeObject, now: number) => string | number;

const name: Cell = ({ metadata }) => metadata.name;
const age: Cell = ({ metadata }, now) =>
  metadata.creationTimestamp ? duration(now - Date.parse(metadata.creationTimestamp)) : '<unknown>';
const count =
  (field: string): Cell =>
  ({ [field]: value }) =>
    Object.keys(value ?? {}).length;

/** What stands at a path such as `status.url`; empty where nothing does. */
function at(path: string): Cell {
  const keys = path.split('.');
  return (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: the fields of any kind.
    const value = keys.reduce<any>((found, key) => found?.[key], object);
    return value === undefined || typeof value === 'object' ? '' : String(value);
  };
}

const condition =
  (type: string, part: 'status' | 'reason'): Cell =>
  ({ status }) =>
    status?.conditions?.find((candidate: { type: string }) => candidate.type === type)?.[part] ?? '';
const ready = { Ready: condition('Ready', 'status'), Reason: condition('Ready', 'reason') };

const COLUMNS: Record<ResourceName, Record<string, Cell>> = {
  namespaces: { Name: name, Status: at('status.phase'), Age: age },
  pods: { Name: name, Ready: podReady, Status: podStatus, Restarts: podRestarts, Age: age },
  'jobs.batch': { Name: name, Status: jobStatus, Completions: jobCompletions, Age: age },
  configmaps: { Name: name, Data: count('data'), Age: age },
  secrets: { Name: name, Type: at('type'), Data: count('data'), Age: age },
  'services.serving.knative.dev': {
    Name: name,
    URL: at('status.url'),
    LatestCreated: at('status.latestCreatedRevisionName'),
    LatestReady: at('status.latestReadyRevisionName'),
    ...ready,
  },
  'revisions.serving.knative.dev': { Name: name, ...ready, 'Actual Replicas': at('status.actualReplicas') },
  'brokers.eventing.knative.dev': { Name: name, URL: at('status.address.url'), Age: age, ...ready },
  'triggers.eventing.knative.dev': {
    Name: name,
    Broker: at('spec.broker'),
    Subscriber_URI: at('status.subscriberUri'),
    Age: age,
    ...ready,
  },
  'apiserversources.sources.knative.dev': { Name: name, Sink: at('status.sinkUri'), Age: age, ...ready },
  'pingsources.sources.knative.dev': {
    Name: name,
    Sink: at('status.sinkUri'),
    Schedule: at('spec.schedule'),
    Age: age,
    ...ready,
  },
};

export function columnsOf(resource: ResourceName): Record<string, Cell> {
  return COLUMNS[resource] ?? { Name: name, Age: age };
}

function podStatuses({ status }: KubeObject): V1ContainerStatus[] {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
}

/** Of all its containers, those included that only initialise. */
function podReady(pod: KubeObject): string {
  return `${podStatuses(pod).filter((container) => container.ready).length}/${podStatuses(pod).length}`;
}

/** What a container waits for, and else the phase. */
function podStatus(pod: KubeObject): string {
  const { phase = 'Unknown', reason } = pod['status'] ?? {};
  if (pod.metadata.deletionTimestamp && !['Succeeded', 'Failed'].includes(phase)) {
    return 'Terminating';
  }
  return podStatuses(pod).find(({ state }) => state?.waiting)?.state?.waiting?.reason ?? reason ?? phase;
}

function podRestarts(pod: KubeObject): number {
  return podStatuses(pod).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
}

function jobStatus(job: KubeObject): string {
  const has = (type: string) => condition(type, 'status')(job, 0) === 'True';
  return ['Complete', 'Failed', 'Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function jobCompletions({ spec, status }: KubeObject): string {
  return `${status?.succeeded ?? 0}/${spec?.completions ?? 1}`;
}

/** The largest unit of which there are two: `90s`, `3m`, `5h`, `2d`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [unit, length] = UNITS.find(([, length]) => seconds >= 2 * length) ?? ['s', 1];
  return `${Math.floor(seconds / length)}${unit}`;
}
