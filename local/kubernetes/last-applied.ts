/** The way from kubectl's client-side apply to server-side apply, which is to meet no conflict with itself. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { changedFields, difference, type FieldSet, fieldsOf } from './field-set.ts';
import { rootPath } from './list-keys.ts';
import { ownable } from './managed-fields.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The fields that client-side apply set and nobody changed since: what kubectl applied last stands in an annotation. Only under kubectl's
 * own name, as in kube-apiserver.
 */
export function takenOver(resource: Resource, live: KubeObject, manager: string): FieldSet {
  const annotation = live.metadata.annotations?.[LAST_APPLIED];
  if (manager !== 'kubectl' || !annotation) {
    return {};
  }
  try {
    const root = rootPath(resource);
    const applied = ownable(JSON.parse(annotation) as KubeObject, resource);
    return difference(fieldsOf(applied, root), changedFields(ownable(live, resource), applied, root));
  } catch {
    // Anybody can write anything into an annotation.
    return {};
  }
}
