/** The bytes in which an event was delivered, and those in which it is sent again. */
import { CloudEvent, type CloudEventV1 } from 'cloudevents';
import type { RawEvent } from '#shared/clients/broker.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { isStructured } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import type { DeadLetter, RawDelivery } from './letter.ts';

/** The dispatcher sends these extensions as headers without prefix, and the ingress reads them so. */
const TRACE = new Set(['traceparent', 'tracestate']);
/** What dispatchers add to a letter, what dead-letter counts, and the marks of an earlier replay. */
const NOT_SENT_AGAIN = /^(knativeerror.*|redeliveries|replayof|replays)$/;

/** The headers that belong to the event, without those of the connection. */
export function eventHeaders({ headers }: Pick<FunctionRequest, 'headers'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (header): header is [string, string] =>
        typeof header[1] === 'string' &&
        (header[0] === 'content-type' || TRACE.has(header[0]) || header[0].startsWith('ce-')),
    ),
  );
}

/** Undefined where the data was too long to be read. */
export function rawDelivery(request: FunctionRequest): RawDelivery | undefined {
  const { body } = request;
  return body && { headers: eventHeaders(request), body_base64: body.toString('base64') };
}

/**
 * The event of a letter, marked as its n-th replay: the same bytes as were delivered in binary mode. Of a refused event
 * only the structured form is known, in which numbers beyond 2^53 have lost digits. Binary mode alone can be signed.
 */
export function eventToReplay({ event, raw, signed }: DeadLetter, replayOf: string, n: number): RawEvent {
  const marks = { replayof: replayOf, replays: String(n) };
  if (raw && !isStructured(raw.headers['content-type'])) {
    const kept = Object.entries(raw.headers).filter(([name]) => !NOT_SENT_AGAIN.test(name.replace(/^ce-/, '')));
    const added = Object.entries(marks).map(([name, value]) => [`ce-${name}`, value]);
    return { headers: Object.fromEntries([...kept, ...added]), body: Buffer.from(raw.body_base64, 'base64') };
  }
  const kept = Object.fromEntries(Object.entries(event).filter(([name]) => !NOT_SENT_AGAIN.test(name)));
  const structured = { ...kept, ...marks };
  return signed
    ? inBinaryMode(structured)
    : { headers: { 'content-type': 'application/cloudevents+json' }, body: Buffer.from(JSON.stringify(structured)) };
}

function inBinaryMode({ data_base64, ...event }: Record<string, unknown>): RawEvent {
  const data = typeof data_base64 === 'string' ? Buffer.from(data_base64, 'base64') : event['data'];
  const { headers, body } = writeBinary(new CloudEvent<unknown>({ ...event, data } as CloudEventV1<unknown>, false));
  return { headers, body: Buffer.from(body) };
}
