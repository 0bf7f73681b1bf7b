/** `parser.complete`: what a call came to, as the reply to the event that caused it. */
import { deriveId } from '#shared/events/event.ts';
import { encodeHeaderValue } from '#shared/runtime/header-value.ts';
import type { Answer } from '#shared/runtime/request.ts';
import { parseTraceparent } from '#shared/telemetry/traceparent.ts';

/** Where the handler has raised it. Only the door reads it, and keeps it for those who ask why. */
const STACK_HEADER = 'x-function-stack';
const LONGEST_STACK = 2000;

/** Binary mode. `body` is the outcome's JSON: whether it has one is decided before. */
export function replyTo(
  event: Record<string, unknown>,
  body: string,
  owner: { thirdParty?: string | undefined; parser?: string | undefined },
  stack?: string,
): Answer {
  const id = String(event['id']);
  const correlationId = String(event['correlationid'] ?? id);
  const attributes: Record<string, unknown> = {
    specversion: '1.0',
    // The same for a redelivery.
    id: deriveId(String(event['source']), id, 'parser.complete'),
    source:
      owner.thirdParty && owner.parser
        ? `knative-lambda/functions/${owner.thirdParty}/${owner.parser}`
        : 'knative-lambda/functions',
    type: 'parser.complete',
    subject: event['subject'],
    time: new Date().toISOString(),
    correlationid: correlationId,
    causationid: id,
    traceparent: event['traceparent'],
  };
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      headers[`ce-${name}`] = encodeHeaderValue(String(value));
    }
  }
  if (stack !== undefined) {
    headers[STACK_HEADER] = encodeHeaderValue(stack.slice(0, LONGEST_STACK));
  }
  headers['x-correlation-id'] = encodeHeaderValue(correlationId);
  const trace = parseTraceparent(event['traceparent']);
  return { statusCode: 200, headers: trace ? { ...headers, 'x-trace-id': trace.traceId } : headers, body };
}
