/** Classifies an undelivered event by the subscriber's last answer. */
import type { Reason } from '#shared/events/reasons.ts';

export interface DeliveryFailure {
  category: 'permanent' | 'transient';
  reason: Extract<
    Reason,
    'DispatcherStopped' | 'NotFound' | 'QueueFull' | 'ReplyNotDelivered' | 'Throttled' | 'Timeout' | 'Unavailable'
  >;
}

/**
 * `code` is an HTTP status; -1 where there was no answer; undefined where RabbitMQ itself gave the event up, before any
 * dispatcher did.
 *
 * With -1 and a subscriber that `isListening`, the dispatcher was most likely stopped during the delivery: a subscriber
 * behind Knative Serving that crashes or hangs answers 502 or 504, through its queue-proxy. A code that the dispatcher
 * takes for success means that the subscriber's reply could not be sent: the Broker was down, or the reply is no valid
 * event.
 */
export function classifyDelivery(code: number | undefined, isListening: boolean): DeliveryFailure {
  switch (code) {
    case undefined:
      return { category: 'transient', reason: 'QueueFull' };
    case -1:
      return { category: 'transient', reason: isListening ? 'DispatcherStopped' : 'Unavailable' };
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
