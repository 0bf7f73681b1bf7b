/** A dead letter as the event that it was, to be sent to the Broker again: with one attribute more, and with nothing else changed. */
import type { RawEvent } from '#shared/clients/broker.ts';
import { eventHeaders } from '#shared/dead-letters/raw-delivery.ts';
import { mediaType } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';

/** The next dispatcher may be stopped as well. What listens and yet answers nothing costs a whole round of the dispatcher's retries each time. */
export const MAX_REDELIVERIES = 3;

/** Counts in the event itself, since no process remembers. Not of CloudEvents, nor of Knative. */
const REDELIVERIES = 'ce-redeliveries';
/** What the dispatcher adds to a letter: knativeerrordest, knativeerrorcode. */
const BROKERS_OWN = 'ce-knativeerror';

/** How often it was sent again. What a sender wrote there that is no count is none. */
export function redeliveriesOf({ headers }: FunctionRequest): number {
  const told = headers[REDELIVERIES];
  return typeof told === 'string' && /^\d{1,3}$/.test(told) ? Number(told) : 0;
}

/** Undefined for what no dispatcher sends: structured mode, or data beyond what is read. */
export function eventToResend(request: FunctionRequest): RawEvent | undefined {
  const { headers, body } = request;
  if (!body || mediaType(headers['content-type']).startsWith('application/cloudevents')) {
    return undefined;
  }
  const kept = Object.entries(eventHeaders(request)).filter(([name]) => !name.startsWith(BROKERS_OWN));
  return { headers: { ...Object.fromEntries(kept), [REDELIVERIES]: String(redeliveriesOf(request) + 1) }, body };
}
