/** How the calls of a function reach it. The Service's annotation says it, so that the door asks nobody else. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { type Delivery, deliveries, type Parameters } from '#shared/events/parameters.ts';

export const DELIVERY_ANNOTATION = 'knative-lambda/delivery';

/** The extension of `parser.deliver` that says which queue it goes through. */
export const LANE = 'deliverylane';
export type Lane = 'overflow' | 'own';

/**
 * Seconds. The Broker gives one attempt 310 s. A function that may take longer has a Trigger of its own, which gives
 * it more.
 */
export const LONGEST_SHARED_CALL = 300;

/**
 * RFC 3339, on a Trigger: since when its function's calls take another way. Deleting it deletes what still waits in its
 * queue.
 */
export const UNUSED_SINCE = 'knative-lambda/unused-since';

/** What the request asks for; `otherwise` is FUNCTION_DELIVERY. */
export function wantedDelivery({ delivery, timeout_seconds = 0 }: Parameters, otherwise: Delivery): Delivery {
  return timeout_seconds > LONGEST_SHARED_CALL ? 'own' : (delivery ?? otherwise);
}

/**
 * Whether the Trigger brings calls to the door: its filter is ours, the Broker has bound its queue, and sweep does not
 * mean to delete it.
 */
export function bringsCalls({ metadata, spec, status }: KnativeObject): boolean {
  const ready = status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
  return (
    isOwnTrigger({ spec }) &&
    metadata.annotations?.[UNUSED_SINCE] === undefined &&
    ready?.status === 'True' &&
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

/** False for the Trigger of an older installation, which brings calls past the door. A filter cannot be changed. */
export function isOwnTrigger({ spec }: Pick<KnativeObject, 'spec'>): boolean {
  return spec?.filter?.attributes?.[LANE] === 'own';
}

/** Undefined for a function of an older installation: its Trigger brings its calls past the door. */
export function deliveryOf({ metadata }: Pick<KnativeObject, 'metadata'>): Delivery | undefined {
  const stated = metadata.annotations?.[DELIVERY_ANNOTATION];
  return deliveries.find((delivery) => delivery === stated);
}
