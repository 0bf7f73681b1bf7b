/** The event as the function gets it: as its sender sent it, byte for byte, with the subject that routed it. */
import { eventHeaders } from '#shared/dead-letters/raw-delivery.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { encodeHeaderValue } from '#shared/runtime/header-value.ts';
import { isStructured } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import { LANE } from '#shared/specs/delivery.ts';
import type { OutgoingCall } from './call-function.ts';

export function callRequest(
  event: ReceivedEvent<unknown>,
  identity: Identity,
  request: Pick<FunctionRequest, 'headers' | 'body'>,
): OutgoingCall {
  const { headers, body } = received(event, request);
  delete headers[`ce-${LANE}`];
  return {
    headers: {
      ...headers,
      'ce-type': 'parser.start',
      'ce-subject': subjectOf(identity),
      'ce-correlationid': encodeHeaderValue(event.correlationId),
      // As header for proxies and as extension for the user's code.
      ...(event.traceparent ? { traceparent: event.traceparent, 'ce-traceparent': event.traceparent } : {}),
    },
    body,
  };
}

function received(event: ReceivedEvent<unknown>, request: Pick<FunctionRequest, 'headers' | 'body'>): OutgoingCall {
  // Brokers deliver in binary mode. Who posts to the door directly may use the structured one.
  if (isStructured(request.headers['content-type'])) {
    const { headers, body } = writeBinary(event.original);
    return { headers, body: Buffer.from(body) };
  }
  return { headers: eventHeaders(request), body: request.body ?? Buffer.alloc(0) };
}
