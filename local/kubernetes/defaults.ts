/** What Kubernetes and Knative fill in where the client says nothing, as far as anybody here reads it. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';

/** Changes the object, which is valid and the caller's own copy. Setting defaults twice is the same as once. */
export function setDefaults(resource: Resource, object: KubeObject): void {
  switch (resource.kind) {
    case 'Namespace':
      object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
      object['spec'] ??= { finalizers: ['kubernetes'] };
      object['status'] ??= { phase: 'Active' };
      break;
    case 'Pod':
      object['spec'].restartPolicy ??= 'Always';
      object['status'] ??= { phase: 'Pending', qosClass: 'BestEffort' };
      break;
    case 'Job':
      setJobDefaults(object);
      break;
    case 'Secret':
      setSecretDefaults(object);
      break;
    case 'Service':
      if (resource.custom) {
        setServiceDefaults(object['spec']);
      }
      break;
  }
}

function setJobDefaults({ metadata, spec }: KubeObject): void {
  spec.backoffLimit ??= 6;
  spec.suspend ??= false;
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
  }
  spec.parallelism ??= 1;
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

/** Of a Knative Service. */
function setServiceDefaults(spec: KubeObject['spec']): void {
  spec.traffic ??= [{ latestRevision: true, percent: 100 }];
  const revision = spec.template.spec;
  revision.timeoutSeconds ||= 300;
  revision.containerConcurrency ??= 0;
  revision.containers[0].name ||= 'user-container';
}
