/**
 * What a dispatcher does with an event that its subscriber does not take: spec.delivery with the Broker's own defaults.
 */
import { periodMilliseconds } from './period.ts';

export interface DeliverySpec {
  retry?: number;
  backoffPolicy?: 'exponential' | 'linear';
  backoffDelay?: string;
  timeout?: string;
  deadLetterSink?: Destination;
}

export interface Destination {
  ref?: { apiVersion?: string; kind: string; name: string; namespace?: string };
  uri?: string;
}

export interface DeliverySettings {
  /** After the first attempt. */
  retries: number;
  backoffPolicy: 'exponential' | 'linear';
  /** Milliseconds. */
  backoffDelay: number;
  /** Milliseconds for one attempt; 0 is no limit. */
  timeout: number;
}

/**
 * Eventing's webhook gives it to a Broker that states none (ConfigMap config-br-defaults). It names no deadLetterSink.
 */
export const DEFAULT_BROKER_DELIVERY: DeliverySpec = {
  retry: 10,
  backoffPolicy: 'exponential',
  backoffDelay: 'PT0.2S',
};

/** A delivery that leaves `retry` out has 5; no delivery at all has none. */
export function deliverySettings(delivery: DeliverySpec | undefined): DeliverySettings {
  return {
    retries: delivery ? (delivery.retry ?? 5) : 0,
    backoffPolicy: delivery?.backoffPolicy ?? 'exponential',
    backoffDelay: delivery?.backoffDelay === undefined ? 50 : periodMilliseconds(delivery.backoffDelay),
    timeout: delivery?.timeout === undefined ? 0 : periodMilliseconds(delivery.timeout),
  };
}

/**
 * Milliseconds before the n-th retry, n from 1. The first exponential wait is already twice the delay; there is no cap
 * and no jitter.
 */
export function backoff({ backoffPolicy, backoffDelay }: DeliverySettings, retry: number): number {
  return backoffPolicy === 'linear' ? backoffDelay * retry : backoffDelay * 2 ** retry;
}

/**
 * kncloudevents.SelectiveRetry; -1 is no answer at all. Whatever else comes back counts as success, a 400 or a 302 too.
 */
export function isRetryable(status: number): boolean {
  return status === -1 || [404, 408, 409, 429].includes(status) || status >= 500;
}
