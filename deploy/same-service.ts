/** Whether a Service on the cluster is already what would be deployed. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';

/** Written by others: Serving's webhook, func where it finds Dapr, kubectl, rotate-key.ts. */
const FOREIGN = /^((serving|client)\.knative\.dev\/|dapr\.io\/|kubectl\.kubernetes\.io\/|knative-lambda\/event-keys$)/;

/**
 * `live` may have more fields than `wanted`, since Serving fills in defaults. Lists, and the labels and annotations of
 * the pods, must be equal: what was removed from a func.yaml has to be removed here. func's BUILT, the time of a
 * deployment, is ignored.
 */
export function sameService(live: KubeObject, wanted: KubeObject): boolean {
  const [is, shall] = [comparable(live), comparable(wanted)];
  return (
    covers(is.metadata.labels, shall.metadata.labels) &&
    covers(is.metadata.annotations, shall.metadata.annotations) &&
    covers(is['spec'], shall['spec']) &&
    (['labels', 'annotations'] as const).every((key) =>
      sameKeys(is['spec'].template.metadata?.[key], shall['spec'].template.metadata?.[key]),
    )
  );
}

function comparable(service: KubeObject): KubeObject {
  const result = structuredClone(service);
  const { template } = result['spec'];
  template.metadata ??= {};
  template.metadata.annotations = Object.fromEntries(
    Object.entries(template.metadata.annotations ?? {}).filter(([key]) => !FOREIGN.test(key)),
  );
  for (const container of template.spec.containers) {
    container.env = (container.env ?? []).filter(({ name }: { name: string }) => name !== 'BUILT');
  }
  return result;
}

function covers(is: unknown, shall: unknown, path: string[] = []): boolean {
  if (Array.isArray(shall)) {
    return (
      Array.isArray(is) &&
      is.length === shall.length &&
      shall.every((value, index) => covers(is[index], value, [...path, String(index)]))
    );
  }
  if (typeof shall === 'object' && shall !== null) {
    const has = (typeof is === 'object' && is !== null ? is : {}) as Record<string, unknown>;
    return Object.entries(shall).every(([key, value]) => covers(has[key], value, [...path, key]));
  }
  // The API server writes 1024Mi as 1Gi.
  return is === shall || (path.includes('resources') && is !== undefined && parseQuantity(is) === parseQuantity(shall));
}

function sameKeys(is: object = {}, shall: object = {}): boolean {
  return Object.keys(is).sort().join() === Object.keys(shall).sort().join();
}
