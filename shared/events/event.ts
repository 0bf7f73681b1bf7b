/** Events as handlers receive and return them, and how one event causes the next. */
import { createHash } from 'node:crypto';
import { CloudEvent } from 'cloudevents';
import type { Events, EventType } from './catalogue.ts';
import { IS_RECORDED, isAlwaysRecorded } from './recorded.ts';

/**
 * The CloudEvents source of everything that we send. Source and id together identify an event, and several of our
 * functions may send the same event, so all of them have one source.
 */
export const SOURCE = 'knative-lambda';

/** An event whose envelope and data have been checked. */
export interface ReceivedEvent<Data, Type extends string = string> {
  id: string;
  source: string;
  type: Type;
  subject: string | undefined;
  /** RFC 3339. Undefined if the sender gave none: Brokers then write 0001-01-01T00:00:00Z. */
  time: string | undefined;
  data: Data;
  /** Names the whole chain: see correlation-id.ts. */
  correlationId: string;
  traceparent: string | undefined;
  original: CloudEvent<unknown>;
}

/** A received event of one of these types. Its `type` narrows its `data`. */
export type ReceivedOf<T extends EventType> = { [Type in T]: ReceivedEvent<Events[Type], Type> }[T];

/** A new event of one of these types. Its `type` narrows its `data`. Missing attributes come from its cause. */
export type NewEvent<T extends EventType = EventType> = {
  [Type in T]: NewEventAttributes & { type: Type } & DataOf<Events[Type]>;
}[T];

type DataOf<Data> = unknown extends Data ? { data?: Data } : { data: Data };

interface NewEventAttributes {
  /** Default application/json. */
  datacontenttype?: string;
  subject?: string;
  /** Set where several functions may send the same event: derived from its content, so that all use one id. */
  id?: string;
  source?: string;
  time?: string;
  correlationId?: string;
  causationId?: string;
  traceparent?: string;
  extensions?: Record<string, string>;
}

/** The same parts give the same 32 hex digits. Each part has its length before it, so no two lists of parts collide. */
export function deriveId(...parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:${part}`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** The event that `cause` leads to. Its id depends on cause and type alone, so a redelivery causes the same event. */
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
    ...(isAlwaysRecorded(event.type) ? IS_RECORDED : {}),
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
    // Without a tracestate the RabbitMQ Broker drops the extension: it takes it for a header of the previous hop.
    ...(traceparent ? { traceparent, tracestate: 'knative-lambda=1' } : {}),
  };
  // Not strict: strict mode calls `this.validate()`, and an extension that is passed on may have this name.
  return new CloudEvent<unknown>(attributes, false);
}
