/**
 * Turns a dead letter into the event that it was, to be sent to the Broker again, with one attribute added and nothing
 * else changed.
 */
import type { RawEvent } from '#shared/clients/broker.ts';
import { eventHeaders } from '#shared/dead-letters/raw-delivery.ts';
import { isStructured } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';

/**
 * More than one, since the next dispatcher may be stopped as well. Few, since a subscriber that listens and never
 * answers costs all retries of the dispatcher each time.
 */
export const MAX_REDELIVERIES = 3;

/** The count is kept in the event, since no process keeps it. An extension of ours, not of CloudEvents or Knative. */
const REDELIVERIES = 'ce-redeliveries';
/** What the dispatcher adds to a letter: knativeerrordest, knativeerrorcode. */
const BROKERS_OWN = 'ce-knativeerror';

/** How often the event was resent; 0 where a sender has written something else there. */
export function redeliveriesOf({ headers }: FunctionRequest): number {
  const count = headers[REDELIVERIES];
  return typeof count === 'string' && /^\d{1,3}$/.test(count) ? Number(count) : 0;
}

/** Undefined for structured mode, which no dispatcher sends, and where the data was too long to be read. */
export function eventToResend(request: FunctionRequest): RawEvent | undefined {
  const { headers, body } = request;
  if (!body || isStructured(headers['content-type'])) {
    return undefined;
  }
  const kept = Object.entries(eventHeaders(request)).filter(([name]) => !name.startsWith(BROKERS_OWN));
  return { headers: { ...Object.fromEntries(kept), [REDELIVERIES]: String(redeliveriesOf(request) + 1) }, body };
}
