/** An event as it is kept: its attributes, and its data up to a bound. */
import * as z from 'zod';
import { type EventLine, eventLineSchema } from '#shared/api/schemas.ts';
import { bounded } from '#shared/bounded-text.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, identitySchema, subjectOfAny } from '#shared/events/identity.ts';
import { readJson } from '#shared/read-json.ts';

/** Bytes of data that are kept of one event. */
const DATA_BYTES = 16 * 1024;
const LONGEST_TEXT = 2000;

/** What is told of it later, and what only the lists of calls need. */
const recordedSchema = eventLineSchema.omit({ cursor: true }).extend({
  /** Of a call: the revision that answered. */
  revision: z.string().optional(),
});

export type RecordedEvent = z.infer<typeof recordedSchema>;

/** `now`: for an event without a time of its own. */
export function recordedEvent(event: ReceivedEvent<unknown>, now: Date): RecordedEvent {
  const { id, source, type, time, correlationId, original } = event;
  const causation = original['causationid'];
  const revision = original['revision'];
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
    ...(event.data === undefined ? {} : { data: cut(event.data) }),
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

export function eventLine({ revision: _, ...event }: RecordedEvent, cursor: string): EventLine {
  return { cursor, ...event };
}

function identityOf(event: ReceivedEvent<unknown>): Partial<Identity> {
  const subject = subjectOfAny({ source: event.source, subject: event.subject, data: event.data });
  const [third_party_id, parser_id] = subject?.split('/') ?? [];
  return identitySchema.safeParse({ third_party_id, parser_id }).data ?? {};
}

/** Long texts are cut first; where that is not enough, all that is left is the beginning. */
function cut(data: unknown): unknown {
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
