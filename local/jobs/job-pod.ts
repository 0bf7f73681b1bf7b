/** The pod that a Job's template describes. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Job } from './job.ts';

/**
 * Its name is the Job's and five random characters. The labels that tie it to the Job are in the template already
 * (defaults.ts).
 */
export function jobPod(job: Job): KubeObject {
  const { name, namespace, uid } = job.metadata;
  const { metadata, spec } = job.spec.template;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-`,
      namespace,
      labels: metadata?.labels ?? {},
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: structuredClone(spec),
  };
}
