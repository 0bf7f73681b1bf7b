/** An event as it lies in RabbitMQ: AMQP headers and a body (eventing-rabbitmq: pkg/rabbit/message.go). */
import type { BrokerEvent } from './broker-event.ts';
import { ZERO_TIME } from './normalize-time.ts';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The exchange compares these with the filters, type and all: a string never equals a number. */
export type AmqpHeaders = Record<string, string | number | boolean>;

export interface AmqpMessage {
  headers: AmqpHeaders;
  body: Buffer;
}

/** The HTTP trace headers of whoever published. */
export interface Trace {
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

/** `time` is always there, and datacontenttype is called `content-type`, so no filter on the latter ever matches. */
export function toMessage({ attributes, data }: BrokerEvent, trace: Trace = {}): AmqpMessage {
  const { datacontenttype, ...others } = attributes;
  return {
    headers: {
      'content-type': datacontenttype ?? '',
      time: ZERO_TIME,
      ...(TRACEPARENT.test(trace.traceparent ?? '')
        ? { traceparent: trace.traceparent ?? '', tracestate: trace.tracestate ?? '' }
        : {}),
      ...others,
    },
    body: data,
  };
}

/**
 * What the dispatcher makes of it again: everything is a string now, and the trace is no part of the event any more. It
 * is the trace of the extension, if the event had one, but lost unless there is a tracestate too, if only an empty one.
 * The ingress adds that where the request had a traceparent header; so, with Knative's own tracing off as it is by
 * default, a traceparent that comes as an extension alone is gone.
 */
export function fromMessage({ headers, body }: AmqpMessage): { event: BrokerEvent; trace: Trace } {
  const { 'content-type': datacontenttype, traceparent, tracestate, ...others } = headers;
  const attributes: BrokerEvent['attributes'] = {
    ...Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)])),
    ...(datacontenttype === '' || datacontenttype === undefined ? {} : { datacontenttype: String(datacontenttype) }),
  };
  const isTraced = typeof traceparent === 'string' && typeof tracestate === 'string' && TRACEPARENT.test(traceparent);
  return { event: { attributes, data: body }, trace: isTraced ? { traceparent, tracestate } : {} };
}
