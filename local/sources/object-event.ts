/** What an ApiServerSource in mode Resource tells of one change (eventing: pkg/adapter/apiserver/events). */
import type { KubeObject } from '#shared/kubernetes/object.ts';

export type Change = 'add' | 'update' | 'delete';

/**
 * `source` is the API server's address. The id is made when it is sent: there is no telling two emissions of one change
 * apart.
 */
export function objectEvent(
  change: Change,
  object: KubeObject,
  source: string,
  plural: string,
): { attributes: Record<string, string>; data: Buffer } {
  const { apiVersion, kind } = object;
  const { name, namespace = '' } = object.metadata;
  const attributes = {
    type: `dev.knative.apiserver.resource.${change}`,
    source,
    subject: `/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}`,
    datacontenttype: 'application/json',
    kind,
    apiversion: apiVersion,
    name,
    namespace,
  };
  return { attributes, data: Buffer.from(JSON.stringify(object)) };
}
