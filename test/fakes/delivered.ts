/** An event with its request, as a dispatcher of the RabbitMQ Broker delivers it, for handlers that look at both. */
import pino from 'pino';
import * as z from 'zod';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { receiveEvent } from '#shared/runtime/received-event.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';

export interface Delivered {
  event: ReceivedEvent<unknown>;
  context: HandlerContext;
}

/** Binary mode; `undefined` leaves a header out. Header values are Latin-1, as Node reads them. */
export function delivered(
  headers: Record<string, string | undefined>,
  body: string | Buffer = '{"n":1}',
  limit = 4 * 1024 * 1024,
): Delivered {
  const all = {
    host: 'dead-letter',
    'ce-specversion': '1.0',
    'ce-id': 'event-1',
    'ce-source': 'test',
    'ce-type': 'parser.start',
    'ce-time': '2026-01-02T03:04:05Z',
    'content-type': 'application/json',
    ...headers,
  };
  const bytes = Buffer.from(body as string);
  const request: FunctionRequest = {
    method: 'POST',
    path: '/',
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    repeated: [],
    body: bytes.length > limit ? undefined : bytes,
    size: bytes.length,
  };
  const { event } = receiveEvent(readEnvelope(request, limit), { '*': z.unknown() });
  return { event, context: { log: pino({ level: 'silent' }), note: () => undefined, request } };
}
