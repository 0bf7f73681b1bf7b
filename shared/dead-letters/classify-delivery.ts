/** What the last answer of a subscriber says about an event that was not delivered. */
import type { Reason } from '#shared/events/reasons.ts';

export interface DeliveryFailure {
  category: 'permanent' | 'transient';
  reason: Extract<
    Reason,
    'DispatcherStopped' | 'NotFound' | 'QueueFull' | 'ReplyNotDelivered' | 'Throttled' | 'Timeout' | 'Unavailable'
  >;
}

/**
 * `code` is an HTTP status; -1 where there was no answer; undefined where no dispatcher gave up, but RabbitMQ itself. Where somebody `listens` at the
 * subscriber's address all the same, -1 was most likely a dispatcher stopped in mid-delivery: what runs behind Knative Serving and crashes or hangs
 * answers 502 or 504, by way of its queue-proxy. A status that the dispatcher takes for success means that the subscriber's reply could not be sent
 * on: the Broker was away, or the reply is no valid event.
 */
export function classifyDelivery(code: number | undefined, listens: boolean): DeliveryFailure {
  switch (code) {
    case undefined:
      return { category: 'transient', reason: 'QueueFull' };
    case -1:
      return { category: 'transient', reason: listens ? 'DispatcherStopped' : 'Unavailable' };
    case 404:
      return { category: 'permanent', reason: 'NotFound' };
    case 408:
    case 504:
      return { category: 'transient', reason: 'Timeout' };
    case 409:
      return { category: 'transient', reason: 'Unavailable' };
    case 429:
      return { category: 'transient', reason: 'Throttled' };
    default:
      return { category: 'transient', reason: code >= 200 && code < 500 ? 'ReplyNotDelivered' : 'Unavailable' };
  }
}
