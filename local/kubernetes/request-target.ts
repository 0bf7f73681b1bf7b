/** What a path of the API names: a collection, an object, or a part of one. */

import { apiVersionOf } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { RESOURCES } from '#shared/kubernetes/resource-table.ts';

export interface RequestTarget {
  resource: Resource;
  /** Undefined for cluster-scoped kinds, and for a collection over all namespaces. */
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];
const byPath = new Map(RESOURCES.map((resource) => [`${apiVersionOf(resource)}/${resource.plural}`, resource]));

/** Undefined where there is no such resource. Segments are already percent-decoded. */
export function parseTarget(segments: string[]): RequestTarget | undefined {
  const core = segments[0] === 'api';
  if (!core && segments[0] !== 'apis') {
    return undefined;
  }
  const groupVersion = segments.slice(1, core ? 2 : 3).join('/');
  let [plural, name, subresource, ...rest] = segments.slice(core ? 2 : 3);
  let namespace: string | undefined;
  if (plural === 'namespaces' && subresource !== undefined && !NAMESPACE_SUBRESOURCES.includes(subresource)) {
    namespace = name;
    [plural, name, subresource, ...rest] = [subresource, ...rest];
  }
  const resource = byPath.get(`${groupVersion}/${plural}`);
  if (!resource || rest.length > 0) {
    return undefined;
  }
  if (resource.namespaced ? name !== undefined && namespace === undefined : namespace !== undefined) {
    return undefined;
  }
  return { resource, namespace, name, subresource };
}
