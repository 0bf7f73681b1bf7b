/** What the last answer of a subscriber says about an event that was not delivered. */

export interface DeliveryFailure {
  category: 'permanent' | 'transient';
  reason: string;
}

/** `code` is an HTTP status; -1 where there was no answer, which is how a dispatcher that was stopped in mid-delivery looks too. */
export function classifyDelivery(code: number): DeliveryFailure {
  switch (code) {
    case -1:
      return { category: 'transient', reason: 'DispatcherStopped' };
    case 404:
      return { category: 'permanent', reason: 'NotFound' };
    case 408:
    case 504:
      return { category: 'transient', reason: 'Timeout' };
    case 429:
      return { category: 'transient', reason: 'Throttled' };
    default:
      return { category: 'transient', reason: 'Unavailable' };
  }
}
