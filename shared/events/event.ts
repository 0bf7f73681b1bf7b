/** Events as handlers see them, and how one event causes the next. */
import { createHash } from 'node:crypto';
import { CloudEvent } from 'cloudevents';
import type { Events, EventType } from './catalogue.ts';

/** The one CloudEvents source of everything the builder sends: source and id together name an event, and two of our functions may tell the same. */
export const SOURCE = 'knative-lambda';

/** An event whose envelope and data have been checked. */
export interface ReceivedEvent<Data, Type extends string = string> {
  id: string;
  source: string;
  type: Type;
  subject: string | undefined;
  /** RFC 3339; undefined where the sender gave none (brokers then say 0001-01-01T00:00:00Z). */
  time: string | undefined;
  data: Data;
  /** Names the whole chain: the extension, else data.correlation_id, else the event's own id. */
  correlationId: string;
  traceparent: string | undefined;
  original: CloudEvent<unknown>;
}

/** The same, of one of the types of the catalogue: its `type` tells what its `data` is. */
export type ReceivedOf<T extends EventType> = { [Type in T]: ReceivedEvent<Events[Type], Type> }[T];

/**
 * An event to be sent, of one of the types of the catalogue: its `type` tells what its `data` is. What is left out comes from the event that
 * caused it.
 */
export type NewEvent<T extends EventType = EventType> = {
  [Type in T]: NewEventAttributes & { type: Type } & DataOf<Events[Type]>;
}[T];

type DataOf<Data> = unknown extends Data ? { data?: Data } : { data: Data };

interface NewEventAttributes {
  /** Default application/json. */
  datacontenttype?: string;
  subject?: string;
  /** Where several of us may tell the same thing: derived from what it is about, so that all say it under one id. */
  id?: string;
  source?: string;
  time?: string;
  correlationId?: string;
  causationId?: string;
  traceparent?: string;
  extensions?: Record<string, string>;
}

/** A stable id: the same parts give the same 32 hex digits. Parts are length-prefixed, so no two lists collide by concatenation. */
export function deriveId(...parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:${part}`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** The event that `cause` brings about. Same cause, same type: same id, so a redelivery yields the same event again. */
export function causedBy(
  cause: {
    id: string;
    source: string;
    subject?: string | undefined;
    correlationId: string;
    traceparent?: string | undefined;
  },
  event: NewEvent,
): CloudEvent<unknown> {
  const subject = event.subject ?? cause.subject;
  const traceparent = event.traceparent ?? cause.traceparent;
  const attributes = {
    ...event.extensions,
    id: event.id ?? deriveId(cause.source, cause.id, event.type),
    source: event.source ?? SOURCE,
    type: event.type,
    ...(subject ? { subject } : {}),
    time: event.time ?? new Date().toISOString(),
    datacontenttype: event.datacontenttype ?? 'application/json',
    data: event.data,
    correlationid: event.correlationId ?? cause.correlationId,
    causationid: event.causationId ?? cause.id,
    // Without a tracestate the RabbitMQ Broker drops the extension: it takes it for a header of the hop before.
    ...(traceparent ? { traceparent, tracestate: 'knative-lambda=1' } : {}),
  };
  // Not strict: that calls a method by the name of `validate`, as an extension that is passed on may be called.
  return new CloudEvent<unknown>(attributes, false);
}
