/** Where a subscriber, a dead letter sink or an ingress is. */
import type { Destination } from '#shared/manifests/delivery-settings.ts';

export interface Address {
  /** As the cluster knows it: in status.subscriberUri, in knativeerrordest, and in the Host header. */
  url: string;
  /**
   * Where to connect instead, since names of the cluster resolve nowhere on this machine: the gateway's
   * `http://127.0.0.1:port`.
   */
  via?: string;
}

export interface ObjectRef {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/**
 * Undefined where there is no such object, or it has no address yet. It is asked again whenever a Service, Broker or
 * Trigger changes.
 */
export type Resolve = (ref: ObjectRef) => Address | undefined;

/** A `ref` is looked up, a `uri` is taken as it is, and both together are the path at that object. */
export function resolveDestination(
  { ref, uri }: Destination,
  namespace: string,
  resolve: Resolve,
): Address | undefined {
  if (!ref) {
    return uri === undefined ? undefined : { url: uri };
  }
  const { apiVersion = '', kind, name } = ref;
  const address = resolve({ apiVersion, kind, name, namespace: ref.namespace ?? namespace });
  return address && uri !== undefined ? { ...address, url: new URL(uri, address.url).href } : address;
}
