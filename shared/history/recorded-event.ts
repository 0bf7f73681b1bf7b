/** An event as it is kept: its attributes, and its data up to a bound. */
import * as z from 'zod';
import { type EventLine, eventLineSchema } from '#shared/api/schemas.ts';
import { bounded } from '#shared/bounded-text.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, identityOfAny, identitySchema } from '#shared/events/identity.ts';
import { CALL_RECORD } from '#shared/events/recorded.ts';
import { readJson } from '#shared/read-json.ts';

/** Bytes of data that are kept of one event. */
const DATA_BYTES = 16 * 1024;
const LONGEST_TEXT = 2000;

/** How a call went, as the door knows it. */
const callRecordSchema = z.object({
  /** RFC 3339, by the sender's clock; undefined where it said nothing. */
  asked_at: z.iso.datetime().optional(),
  /** RFC 3339: when the door called the function. */
  called_at: z.iso.datetime(),
  /** Until the whole answer was there. */
  ms: z.number().nonnegative(),
  /** Whether it may have waited for a pod. */
  cold: z.boolean(),
  /** The id of its input, where that is kept. */
  input: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  /** Of an error that the handler raised. */
  stack: z.string().max(3000).optional(),
});

export type CallRecord = z.infer<typeof callRecordSchema>;

/** What is told of it later, and what only the lists of calls need. */
const recordedSchema = eventLineSchema.omit({ cursor: true }).extend({
  /** Of a call: the revision that answered. */
  revision: z.string().optional(),
  call: callRecordSchema.optional(),
});

export type RecordedEvent = z.infer<typeof recordedSchema>;

/** `now`: for an event without a time of its own. */
export function recordedEvent(event: ReceivedEvent<unknown>, now: Date): RecordedEvent {
  const { id, source, type, time, correlationId, original } = event;
  const causation = original['causationid'];
  const revision = original['revision'];
  const call = callRecordSchema.safeParse(readJson(textOf(original[CALL_RECORD]))).data;
  const stated = time === undefined || Number.isNaN(Date.parse(time)) || time.startsWith('0001') ? now : new Date(time);
  return {
    time: stated.toISOString(),
    type: bounded(type),
    source: bounded(source),
    id: bounded(id),
    ...identityOf(event),
    correlation_id: correlationId,
    ...(typeof causation === 'string' ? { causation_id: bounded(causation) } : {}),
    ...(typeof revision === 'string' ? { revision: bounded(revision) } : {}),
    ...(call ? { call } : {}),
    ...(event.data === undefined ? {} : { data: boundedData(event.data) }),
  };
}

export function parseRecorded(text: string | undefined): RecordedEvent | undefined {
  return asRecorded(readJson(text));
}

export function asRecorded(value: unknown): RecordedEvent | undefined {
  return recordedSchema.safeParse(value).data;
}

export function identityOfRecorded({ third_party_id, parser_id }: RecordedEvent): Identity | undefined {
  return identitySchema.safeParse({ third_party_id, parser_id }).data;
}

export function eventLine({ revision: _, call: __, ...event }: RecordedEvent, cursor: string): EventLine {
  return { cursor, ...event };
}

function identityOf(event: ReceivedEvent<unknown>): Partial<Identity> {
  return identityOfAny({ source: event.source, subject: event.subject, data: event.data }) ?? {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** At most 16 KiB. Long texts are cut first; where that is not enough, all that is left is the beginning. */
export function boundedData(data: unknown): unknown {
  const whole = Buffer.isBuffer(data) ? data.toString('base64') : data;
  const text = JSON.stringify(whole) ?? 'null';
  if (Buffer.byteLength(text) <= DATA_BYTES) {
    return whole;
  }
  const shorter = JSON.stringify(whole, (_, value: unknown) =>
    typeof value === 'string' ? bounded(value, LONGEST_TEXT) : value,
  );
  return Buffer.byteLength(shorter) <= DATA_BYTES
    ? JSON.parse(shorter)
    : { cut: `${text.slice(0, LONGEST_TEXT)}…`, bytes: Buffer.byteLength(text) };
}
