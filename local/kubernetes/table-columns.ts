/** The columns of each kind: for the built-in ones those of Kubernetes' printers, for Knative's those of their CustomResourceDefinitions. */

import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { ago, humanDuration } from './human-duration.ts';
import { summarizePod } from './pod-summary.ts';
import { AGE, column, condition, field, NAME, READY, REASON, type TableColumn, wide } from './table-column.ts';

const NONE = '<none>';

const COLUMNS: Record<ResourceName, TableColumn[]> = {
  namespaces: [NAME, field('Status', '.status.phase'), AGE],
  pods: [
    NAME,
    column('Ready', (pod, now) => summarizePod(pod, now).ready),
    column('Status', (pod, now) => summarizePod(pod, now).status),
    column('Restarts', (pod, now) => summarizePod(pod, now).restarts),
    AGE,
    wide('IP', ({ status }) => status?.podIP || NONE),
    wide('Node', ({ spec }) => spec?.nodeName || NONE),
    wide('Nominated Node', ({ status }) => status?.nominatedNodeName || NONE),
    wide('Readiness Gates', () => NONE),
  ],
  'jobs.batch': [
    NAME,
    column('Status', jobStatus),
    column('Completions', jobCompletions),
    column('Duration', jobDuration),
    AGE,
    wide('Containers', ({ spec }) => containersOf(spec?.template, 'name')),
    wide('Images', ({ spec }) => containersOf(spec?.template, 'image')),
    wide('Selector', ({ spec }) => labelsText(spec?.selector?.matchLabels)),
  ],
  configmaps: [NAME, column('Data', ({ data, binaryData }) => countOf(data) + countOf(binaryData)), AGE],
  secrets: [
    NAME,
    column('Type', (secret) => secret['type'] ?? ''),
    column('Data', ({ data }) => countOf(data), { type: 'integer' }),
    AGE,
  ],
  serviceaccounts: [NAME, column('Secrets', ({ secrets }) => countOf(secrets)), AGE],
  services: [
    NAME,
    column('Type', ({ spec }) => spec?.type ?? ''),
    column('Cluster-IP', ({ spec }) => spec?.clusterIP || NONE),
    column('External-IP', () => NONE),
    column('Port(s)', ({ spec }) => portsText(spec?.ports)),
    AGE,
    wide('Selector', ({ spec }) => labelsText(spec?.selector)),
  ],
  events: [
    column('Last Seen', (event, now) => ago(event['lastTimestamp'] ?? event['eventTime'], now)),
    column('Type', (event) => event['type'] ?? ''),
    column('Reason', (event) => event['reason'] ?? ''),
    column('Object', ({ involvedObject }) => `${String(involvedObject?.kind).toLowerCase()}/${involvedObject?.name}`),
    wide('Source', ({ source }) => source?.component ?? ''),
    column('Message', (event) => String(event['message'] ?? '').trim()),
    wide('Count', (event) => event['count'] ?? 1),
    wide('Name', ({ metadata }) => metadata.name),
  ],
  'deployments.apps': [
    NAME,
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0, { type: 'integer' }),
    column('Available', ({ status }) => status?.availableReplicas ?? 0, { type: 'integer' }),
    AGE,
  ],
  'leases.coordination.k8s.io': [NAME, field('Holder', '.spec.holderIdentity'), AGE],
  'networkpolicies.networking.k8s.io': [
    NAME,
    column('Pod-Selector', ({ spec }) => labelsText(spec?.podSelector?.matchLabels)),
    AGE,
  ],
  ...rbac('roles', [column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '')]),
  ...rbac('clusterroles', [column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '')]),
  ...rbac('rolebindings', [column('Role', roleText), AGE]),
  ...rbac('clusterrolebindings', [column('Role', roleText), AGE]),
  'services.serving.knative.dev': [
    NAME,
    field('URL', '.status.url'),
    field('LatestCreated', '.status.latestCreatedRevisionName'),
    field('LatestReady', '.status.latestReadyRevisionName'),
    READY,
    REASON,
  ],
  'revisions.serving.knative.dev': [
    NAME,
    column('Config Name', ({ metadata }) => metadata.labels?.['serving.knative.dev/configuration'] ?? ''),
    column('Generation', ({ metadata }) => metadata.labels?.['serving.knative.dev/configurationGeneration'] ?? ''),
    READY,
    REASON,
    field('Actual Replicas', '.status.actualReplicas'),
    field('Desired Replicas', '.status.desiredReplicas'),
  ],
  'brokers.eventing.knative.dev': [NAME, field('URL', '.status.address.url'), AGE, READY, REASON],
  'triggers.eventing.knative.dev': [
    NAME,
    field('Broker', '.spec.broker'),
    field('Subscriber_URI', '.status.subscriberUri'),
    AGE,
    READY,
    REASON,
  ],
  'rabbitmqclusters.rabbitmq.com': [
    NAME,
    condition('AllReplicasReady', 'AllReplicasReady', 'status'),
    condition('ReconcileSuccess', 'ReconcileSuccess', 'status'),
    AGE,
  ],
  'apiserversources.sources.knative.dev': [NAME, field('Sink', '.status.sinkUri'), AGE, READY, REASON],
  'pingsources.sources.knative.dev': [
    NAME,
    field('Sink', '.status.sinkUri'),
    field('Schedule', '.spec.schedule'),
    AGE,
    READY,
    REASON,
  ],
};

export function columnsOf(resource: ResourceName): TableColumn[] {
  return COLUMNS[resource] ?? [NAME, AGE];
}

function rbac(plural: string, columns: TableColumn[]): Record<ResourceName, TableColumn[]> {
  return { [`${plural}.rbac.authorization.k8s.io`]: [NAME, ...columns] };
}

function jobStatus({ metadata, status }: KubeObject): string {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  const has = (type: string) => conditions.some((found) => found.type === type && found.status === 'True');
  for (const type of ['Complete', 'Failed']) {
    if (has(type)) {
      return type;
    }
  }
  if (metadata.deletionTimestamp) {
    return 'Terminating';
  }
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function jobCompletions({ spec, status }: KubeObject): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) {
    return `${succeeded}/${spec.completions}`;
  }
  return spec?.parallelism > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: KubeObject, now: number): string {
  if (!status?.startTime) {
    return '';
  }
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}

function containersOf(template: KubeObject | undefined, part: 'name' | 'image'): string {
  const containers = (template?.['spec']?.containers ?? []) as Record<string, string>[];
  return containers.map((container) => container[part]).join(',');
}

function labelsText(labels: Record<string, string> | undefined): string {
  const text = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return text.join(',') || NONE;
}

function portsText(ports: { port: number; protocol?: string }[] = []): string {
  return ports.map(({ port, protocol }) => `${port}/${protocol ?? 'TCP'}`).join(',') || NONE;
}

function roleText(binding: KubeObject): string {
  return `${binding['roleRef']?.kind}/${binding['roleRef']?.name}`;
}

function countOf(value: object | undefined): number {
  return Object.keys(value ?? {}).length;
}
