/** An event as the bytes that it was delivered in, and as the bytes that it is sent again in. */
import type { RawEvent } from '#shared/clients/broker.ts';
import { mediaType } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import type { DeadLetter, RawDelivery } from './letter.ts';

/** The dispatcher makes these of the event's extensions, and the ingress makes extensions of them again. */
const TRACE = new Set(['traceparent', 'tracestate']);
/** What dispatchers add to a letter, what dead-letter counts, and what an earlier replay said. */
const NOT_SENT_AGAIN = /^(knativeerror.*|redeliveries|replayof|replays)$/;
const STRUCTURED = 'application/cloudevents';

/** The headers that belong to the event; the others are the connection's. */
export function eventHeaders({ headers }: Pick<FunctionRequest, 'headers'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (header): header is [string, string] =>
        typeof header[1] === 'string' &&
        (header[0] === 'content-type' || TRACE.has(header[0]) || header[0].startsWith('ce-')),
    ),
  );
}

/** Undefined for data beyond what is read. */
export function rawDelivery(request: FunctionRequest): RawDelivery | undefined {
  const { body } = request;
  return body && { headers: eventHeaders(request), body_base64: body.toString('base64') };
}

/**
 * The event of a letter, marked as its n-th replay. Byte for byte as it came in binary mode. Of a refused event there is only the structured form, in
 * which numbers beyond 2^53 have lost digits.
 */
export function eventToReplay({ event, raw }: DeadLetter, replayOf: string, n: number): RawEvent {
  const marks = { replayof: replayOf, replays: String(n) };
  if (!raw || mediaType(raw.headers['content-type']).startsWith(STRUCTURED)) {
    const kept = Object.entries(event).filter(([name]) => !NOT_SENT_AGAIN.test(name));
    return {
      headers: { 'content-type': `${STRUCTURED}+json` },
      body: Buffer.from(JSON.stringify({ ...Object.fromEntries(kept), ...marks })),
    };
  }
  const kept = Object.entries(raw.headers).filter(([name]) => !NOT_SENT_AGAIN.test(name.replace(/^ce-/, '')));
  const added = Object.entries(marks).map(([name, value]) => [`ce-${name}`, value]);
  return { headers: Object.fromEntries([...kept, ...added]), body: Buffer.from(raw.body_base64, 'base64') };
}
