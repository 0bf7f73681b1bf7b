/** What Kubernetes and Knative fill in where the client says nothing. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { setKnativeDefaults } from './default-knative.ts';
import { setPodDefaults } from './default-pod.ts';
import { podSpecOf } from './pod-spec-of.ts';

/** Changes the object, which is the caller's own copy. Setting defaults twice is the same as once. */
export function setDefaults(resource: Resource, object: KubeObject, creating: boolean): void {
  if (resource.custom) {
    setKnativeDefaults(object, creating);
    return;
  }
  const place = podSpecOf(resource, object);
  if (object['spec'] !== undefined && place) {
    setPodDefaults(place.spec, resource.kind === 'Pod');
  }
  switch (resource.kind) {
    case 'Namespace':
      object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
      object['spec'] ??= { finalizers: ['kubernetes'] };
      object['status'] ??= { phase: 'Active' };
      break;
    case 'Pod':
      object['status'] ??= { phase: 'Pending', qosClass: 'BestEffort' };
      break;
    case 'Job':
      setJobDefaults(object, creating);
      break;
    case 'Deployment':
      if (object['spec']) {
        object['spec'].replicas ??= 1;
      }
      break;
    case 'Secret':
      setSecretDefaults(object);
      break;
    case 'Service':
      if (!object['spec']) {
        break;
      }
      object['spec'].type ??= 'ClusterIP';
      for (const port of object['spec'].ports ?? []) {
        port.protocol ??= 'TCP';
      }
      break;
  }
}

function setJobDefaults({ metadata, spec }: KubeObject, creating: boolean): void {
  if (!spec) {
    return;
  }
  spec.backoffLimit ??= 6;
  spec.suspend ??= false;
  spec.completionMode ??= 'NonIndexed';
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
  }
  spec.parallelism ??= 1;
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) {
      condition.status ??= 'True';
    }
  }
  if (!creating || !spec.template) {
    return;
  }
  if (!metadata.labels && spec.template.metadata?.labels) {
    metadata.labels = { ...spec.template.metadata.labels };
  }
  if (spec.manualSelector) {
    return;
  }
  // By uid, so that a Job never counts the pods of one that had its name before.
  const controller = { 'batch.kubernetes.io/controller-uid': metadata.uid };
  spec.selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, ...controller } };
  const labels = {
    ...spec.template.metadata?.labels,
    ...controller,
    'batch.kubernetes.io/job-name': metadata.name,
    'controller-uid': metadata.uid,
    'job-name': metadata.name,
  };
  spec.template.metadata = { ...spec.template.metadata, labels };
}

function setSecretDefaults(secret: KubeObject): void {
  secret['type'] ??= 'Opaque';
  const { stringData } = secret;
  delete secret['stringData'];
  if (!stringData) {
    return;
  }
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')]);
  secret['data'] = { ...secret['data'], ...Object.fromEntries(encoded) };
}
