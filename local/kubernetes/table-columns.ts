/** The columns that kubectl shows of each kind: the names are those of Kubernetes' printers and of Knative's CustomResourceDefinitions. */

import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { podReady, podRestarts, podStatus } from './pod-columns.ts';

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
  'jobs.batch': { Name: name, Status: jobStatus, Completions: jobCompletions, Duration: jobDuration, Age: age },
  configmaps: { Name: name, Data: count('data'), Age: age },
  secrets: { Name: name, Type: at('type'), Data: count('data'), Age: age },
  'leases.coordination.k8s.io': { Name: name, Holder: at('spec.holderIdentity'), Age: age },
  'services.serving.knative.dev': {
    Name: name,
    URL: at('status.url'),
    LatestCreated: at('status.latestCreatedRevisionName'),
    LatestReady: at('status.latestReadyRevisionName'),
    ...ready,
  },
  'revisions.serving.knative.dev': {
    Name: name,
    'Config Name': ({ metadata }) => metadata.labels?.['serving.knative.dev/configuration'] ?? '',
    Generation: ({ metadata }) => metadata.labels?.['serving.knative.dev/configurationGeneration'] ?? '',
    ...ready,
    'Actual Replicas': at('status.actualReplicas'),
    'Desired Replicas': at('status.desiredReplicas'),
  },
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

function jobStatus(job: KubeObject): string {
  const has = (type: string) => condition(type, 'status')(job, 0) === 'True';
  const over = ['Complete', 'Failed'].find(has);
  if (over || job.metadata.deletionTimestamp) {
    return over ?? 'Terminating';
  }
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function jobCompletions({ spec, status }: KubeObject): string {
  return `${status?.succeeded ?? 0}/${spec?.completions ?? 1}`;
}

function jobDuration({ status }: KubeObject, now: number): string {
  if (!status?.startTime) {
    return '';
  }
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return duration(end - Date.parse(status.startTime));
}

/** As kubectl shows ages: `59s`, `3m12s`, `5h`, `2d`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  if (minutes < 2) {
    return `${seconds}s`;
  }
  if (minutes < 10) {
    return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  }
  if (hours < 3) {
    return `${minutes}m`;
  }
  return days < 2 ? `${hours}h` : `${days}d`;
}
