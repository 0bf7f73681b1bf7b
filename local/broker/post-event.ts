/** One binary-mode POST of an event, as the dispatchers of the RabbitMQ Broker send it. */
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Address } from './address.ts';
import type { Trace } from './amqp-message.ts';
import type { BrokerEvent } from './broker-event.ts';
import { readEvent } from './read-event.ts';

export interface Answer {
  /** -1 where there was none: refused, cut off, timed out. */
  status: number;
  /** The event in the answer, valid or not; an answer that is none has no reply. */
  reply?: BrokerEvent;
}

export interface PostOptions {
  /** Milliseconds, from connecting to the last byte; 0 is no limit. */
  timeout: number;
  signal: AbortSignal;
}

/** Never rejects. */
export async function postEvent(
  { url, via }: Address,
  event: BrokerEvent,
  trace: Trace,
  { timeout, signal }: PostOptions,
): Promise<Answer> {
  const deadline = timeout > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeout)]) : signal;
  try {
    const target = new URL(url);
    const connection = new URL(via ?? url);
    const send = connection.protocol === 'https:' ? secureRequest : request;
    const { status, headers, body } = await new Promise<Reception>((resolve, reject) => {
      const outgoing = send(
        {
          host: connection.hostname,
          port: connection.port,
          path: `${target.pathname}${target.search}`,
          method: 'POST',
          headers: { host: target.host, ...headersOf(event, trace), 'content-length': event.data.length },
          // A connection of its own: a pod that scales to zero takes its open ones with it.
          agent: false,
          signal: deadline,
        },
        (incoming) => receive(incoming).then(resolve, reject),
      );
      outgoing.on('error', reject);
      outgoing.end(event.data);
    });
    return { status, ...replyIn(headers, body) };
  } catch {
    return { status: -1 };
  }
}

interface Reception {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

async function receive(incoming: IncomingMessage): Promise<Reception> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk);
  }
  return { status: incoming.statusCode ?? -1, headers: incoming.headers, body: Buffer.concat(chunks) };
}

function headersOf({ attributes }: BrokerEvent, { traceparent, tracestate }: Trace): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(attributes)) {
    headers[name === 'datacontenttype' ? 'content-type' : `ce-${name}`] = encode(String(value));
  }
  return { ...headers, ...(traceparent ? { traceparent } : {}), ...(tracestate ? { tracestate } : {}) };
}

/** UTF-8 bytes, which Node writes one by one where each is a Latin-1 character. */
function encode(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

function replyIn(headers: IncomingMessage['headers'], body: Buffer): { reply?: BrokerEvent } {
  try {
    return { reply: readEvent(headers, body) };
  } catch {
    return {};
  }
}
