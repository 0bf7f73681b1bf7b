/** A Broker's ingress: HTTP in, RabbitMQ's exchange behind it (eventing-rabbitmq: cmd/ingress). */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { foreignRequest } from '#shared/foreign-request.ts';
import type { Trace } from './amqp-message.ts';
import { type BrokerEvent, InvalidEvent } from './broker-event.ts';
import { invalidEvent, readEvent } from './read-event.ts';

/** RabbitMQ's max_message_size. It closes the channel of who publishes more, and the ingress answers 500. */
const MAX_MESSAGE_BYTES = 16 * 2 ** 20;

export interface Ingress {
  url: string;
  close(): Promise<void>;
}

/** False where there is no exchange to publish to. */
export type Publish = (event: BrokerEvent, trace: Trace) => boolean;

/** Port 0 takes a free one. `api`: answers every GET, and whatever is below /api/. */
export async function startIngress(port: number, publish: Publish, api?: RequestListener): Promise<Ingress> {
  const server = createServer((request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (api && (isRead || request.url?.startsWith('/api/')) && foreignRequest(request.headers) === undefined) {
      api(request, response);
      return;
    }
    answer(request, response, publish).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, publish: Publish): Promise<void> {
  const foreign = foreignRequest(request.headers);
  if (foreign !== undefined) {
    return end(response, 403, foreign);
  }
  if (request.method !== 'POST') {
    return end(response, 405, 'POST an event');
  }
  if (request.url !== '/') {
    return end(response, 404, 'events are taken at / alone');
  }
  const body = await read(request);
  if (!body) {
    return end(response, 500, `the event has more than ${MAX_MESSAGE_BYTES} bytes`);
  }
  try {
    const event = readEvent(request.headers, body);
    const problem = invalidEvent(event);
    if (problem !== undefined) {
      throw new InvalidEvent(problem);
    }
    const { traceparent, tracestate } = request.headers;
    const accepted = publish(event, { traceparent: text(traceparent), tracestate: text(tracestate) });
    return accepted
      ? end(response, 202)
      : end(response, 500, 'the Broker is not ready: kubectl describe broker says why');
  } catch (error) {
    if (error instanceof InvalidEvent) {
      return end(response, 400, error.message);
    }
    return end(response, 500, error instanceof Error ? error.message : String(error));
  }
}

/** Upstream says nothing with its status; a person who develops is better off with a reason. */
function end(response: ServerResponse, status: number, message?: string): void {
  response.writeHead(status, message === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8' });
  response.end(message === undefined ? undefined : `${message}\n`);
}

async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_MESSAGE_BYTES) {
      chunks.push(chunk);
    }
  }
  return bytes > MAX_MESSAGE_BYTES ? undefined : Buffer.concat(chunks);
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}
