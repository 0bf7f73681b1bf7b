/**
 * One pod of a revision, as Knative's Deployment would make it, less the queue-proxy: the gateway does that one's work.
 */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { CONFIGURATION, REVISION, REVISION_UID, SERVICE } from './labels.ts';

export function revisionPod(revision: KubeObject): KubeObject {
  const { name, namespace = '', uid = '', labels = {}, annotations = {} } = revision.metadata;
  const spec = revision['spec'];
  const podAnnotations = Object.entries(annotations).filter(([key]) => !key.startsWith('autoscaling.knative.dev/'));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-deployment-`,
      namespace,
      labels: { app: name, ...labels, [REVISION]: name, [REVISION_UID]: uid },
      annotations: Object.fromEntries(podAnnotations),
      ownerReferences: [
        { apiVersion: revision.apiVersion, kind: revision.kind, name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: {
      ...podFields(spec),
      containers: [servingContainer(spec.containers[0], revision)],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: spec.timeoutSeconds,
    },
  };
}

const HANDLERS = ['tcpSocket', 'httpGet', 'exec', 'grpc'];
const REVISION_FIELDS = ['containerConcurrency', 'timeoutSeconds', 'responseStartTimeoutSeconds', 'idleTimeoutSeconds'];

function podFields(spec: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !REVISION_FIELDS.includes(key)));
}

function servingContainer(container: KubeObject['spec'], revision: KubeObject): KubeObject['spec'] {
  const labels = revision.metadata.labels ?? {};
  const port = container.ports?.[0]?.containerPort ?? 8080;
  return {
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...container,
    readinessProbe: HANDLERS.some((handler) => container.readinessProbe?.[handler])
      ? container.readinessProbe
      : { ...container.readinessProbe, tcpSocket: { port } },
    ports: container.ports ?? [{ name: 'user-port', containerPort: port, protocol: 'TCP' }],
    env: [
      ...(container.env ?? []),
      { name: 'K_REVISION', value: revision.metadata.name },
      { name: 'K_CONFIGURATION', value: labels[CONFIGURATION] },
      { name: 'K_SERVICE', value: labels[SERVICE] },
    ],
  };
}
