/** A dead letter as the event that it was, to be sent to the Broker again: with one attribute more, and with nothing else changed. */
import type { RawEvent } from '#shared/clients/broker.ts';
import { mediaType } from '#shared/function/media-type.ts';
import type { FunctionRequest } from '#shared/function/request.ts';

/** The next dispatcher may be stopped as well. What listens and yet answers nothing costs a whole round of the dispatcher's retries each time. */
export const MAX_REDELIVERIES = 3;

/** Counts in the event itself, since no process remembers. Not of CloudEvents, nor of Knative. */
const REDELIVERIES = 'ce-redeliveries';
/** What the dispatcher adds to a letter: knativeerrordest, knativeerrorcode. */
const BROKERS_OWN = 'ce-knativeerror';
/** The dispatcher makes these of the event's extensions, and the ingress makes extensions of them again. */
const TRACE = new Set(['traceparent', 'tracestate']);

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
  const kept = Object.entries(headers).filter(
    (header): header is [string, string] =>
      typeof header[1] === 'string' &&
      (header[0] === 'content-type' || TRACE.has(header[0]) || header[0].startsWith('ce-')) &&
      !header[0].startsWith(BROKERS_OWN),
  );
  return { headers: { ...Object.fromEntries(kept), [REDELIVERIES]: String(redeliveriesOf(request) + 1) }, body };
}
