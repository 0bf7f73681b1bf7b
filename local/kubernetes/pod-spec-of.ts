/** Where a kind keeps the pods it describes. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';

/** A pod's spec, loosely: what is in it is whatever the client sent. */
// biome-ignore lint/suspicious/noExplicitAny: it is being validated, so nothing about it is known yet.
export type AnyFields = Record<string, any>;

export interface PodSpecPlace {
  spec: AnyFields;
  /** The path of the spec. */
  path: string;
  /** The template around it, where there is one, with labels of its own. */
  template?: AnyFields;
}

const TEMPLATES = ['Job', 'Deployment', 'ReplicaSet', 'StatefulSet'];

/** Of the built-in kinds only: Knative checks its own pods by other rules. */
export function podSpecOf(resource: Resource, object: KubeObject): PodSpecPlace | undefined {
  if (resource.custom) {
    return undefined;
  }
  if (resource.kind === 'Pod') {
    return { spec: object['spec'] ?? {}, path: 'spec' };
  }
  if (!TEMPLATES.includes(resource.kind)) {
    return undefined;
  }
  const template = object['spec']?.template ?? {};
  return { spec: template.spec ?? {}, path: 'spec.template.spec', template };
}
