/** What Knative's mutating webhooks fill in. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { AnyFields } from './pod-spec-of.ts';

const BROKER_CLASS = 'eventing.knative.dev/broker.class';
const SECOND_TIMEOUT = 300;

export function setKnativeDefaults(object: KubeObject, creating: boolean): void {
  const { kind, metadata } = object;
  const group = object.apiVersion.split('/')[0];
  if (group === 'serving.knative.dev' && kind === 'Service') {
    setServiceDefaults(object, creating);
  }
  if (group === 'eventing.knative.dev' && kind === 'Broker') {
    // Without a class it is not a RabbitMQ Broker.
    metadata.annotations = { [BROKER_CLASS]: 'MTChannelBasedBroker', ...metadata.annotations };
    object['spec'] ??= {};
    object['spec'].delivery ??= { retry: 10, backoffPolicy: 'exponential', backoffDelay: 'PT0.2S' };
    inOwnNamespace(object['spec'].config, metadata.namespace);
    inOwnNamespace(object['spec'].delivery?.deadLetterSink?.ref, metadata.namespace);
  }
  if (group === 'eventing.knative.dev' && kind === 'Trigger' && object['spec']) {
    const { spec } = object;
    spec.filter ??= {};
    inOwnNamespace(spec.subscriber?.ref, metadata.namespace);
    inOwnNamespace(spec.delivery?.deadLetterSink?.ref, metadata.namespace);
    if (spec.broker) {
      metadata.labels = { ...metadata.labels, 'eventing.knative.dev/broker': spec.broker };
    }
  }
  if (group === 'sources.knative.dev' && object['spec']) {
    const { spec } = object;
    inOwnNamespace(spec.sink?.ref, metadata.namespace);
    if (kind === 'PingSource') {
      spec.schedule ??= '* * * * *';
    } else {
      spec.mode ??= 'Reference';
      spec.serviceAccountName ??= 'default';
    }
  }
}

function setServiceDefaults({ spec }: KubeObject, creating: boolean): void {
  if (!spec) {
    return;
  }
  spec.traffic ??= [{ latestRevision: true, percent: 100 }];
  for (const target of spec.traffic) {
    if (!target.revisionName) {
      target.latestRevision ??= true;
    }
  }
  const revision = spec.template?.spec as AnyFields | undefined;
  if (!revision) {
    return;
  }
  revision['timeoutSeconds'] ||= SECOND_TIMEOUT;
  if (revision['timeoutSeconds'] > SECOND_TIMEOUT) {
    revision['responseStartTimeoutSeconds'] ??= SECOND_TIMEOUT;
  }
  revision['containerConcurrency'] ??= 0;
  if (creating) {
    revision['enableServiceLinks'] ??= false;
  }
  const writable = (revision['volumes'] ?? []).filter((volume: AnyFields) => volume['emptyDir']);
  const [container, ...others] = (revision['containers'] ?? []) as AnyFields[];
  if (!container || others.length > 0) {
    return;
  }
  container['name'] ||= 'user-container';
  container['resources'] ??= {};
  container['readinessProbe'] ??= {};
  const probe = container['readinessProbe'];
  if (!['tcpSocket', 'httpGet', 'exec', 'grpc'].some((handler) => probe[handler])) {
    probe.tcpSocket = { port: 0 };
  }
  probe.successThreshold ||= 1;
  if (probe.periodSeconds) {
    probe.failureThreshold ||= 3;
    probe.timeoutSeconds ||= 1;
  }
  for (const mount of container['volumeMounts'] ?? []) {
    if (!writable.some((volume: AnyFields) => volume['name'] === mount.name)) {
      mount.readOnly = true;
    }
  }
}

function inOwnNamespace(reference: AnyFields | undefined, namespace: string | undefined): void {
  if (reference) {
    reference['namespace'] ??= namespace;
  }
}
