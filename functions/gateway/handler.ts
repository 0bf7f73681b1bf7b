/**
 * The gateway: the address for clients. The token tells who sends; what that principal may not say is refused, and what
 * it may is sent on to the Broker, signed for its tenant.
 */
import { buildStartSchema } from '#shared/events/build-start.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { toldUnknown, unknownFields } from '#shared/events/unknown-fields.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { parseExactJson } from '#shared/runtime/exact-json.ts';
import { isJson, isStructured } from '#shared/runtime/media-type.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import type { Answer, FunctionRequest } from '#shared/runtime/request.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { admit, refusal } from './admit.ts';
import { bindEvent } from './bind.ts';
import type { GatewayDependencies } from './dependencies.ts';

export async function gateway(
  event: ReceivedEvent<unknown>,
  deps: GatewayDependencies,
  { request, note }: Pick<HandlerContext, 'request' | 'note'>,
): Promise<Answer> {
  const admitted = await admit(request.headers.authorization, deps);
  if ('answer' in admitted) {
    return admitted.answer;
  }
  const { principal } = admitted;
  note({ principal: principal.name });
  const seconds = deps.rates.exceeded(principal);
  if (seconds !== undefined) {
    const detail = `${principal.name} may send ${principal.events_per_minute} events a minute: send it again in ${seconds} s`;
    return refusal(429, 'Throttled', detail, { 'retry-after': String(seconds) });
  }
  const bound = bindEvent(event, principal, deps.sourcePrefix);
  if ('status' in bound) {
    const { status, reason, problems } = bound;
    note({ problems });
    const detail = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
    return problemAnswer({ status, reason, detail, problems });
  }
  const { id, subject } = bound.event;
  const { headers } = writeBinary(bound.event);
  await deps.broker.publish({ headers, body: dataOf(event, request) }, { tenant: bound.tenant });
  const ignored =
    event.type === 'build.start' ? unknownFields(buildStartSchema, event.original.data).map(toldUnknown) : [];
  return accepted({
    id,
    correlation_id: event.correlationId,
    ...(subject ? { subject } : {}),
    ...(ignored.length > 0 ? { ignored } : {}),
  });
}

/** The bytes as the client sent them. Decoded and encoded again, long numbers would lose digits. */
function dataOf({ original }: ReceivedEvent<unknown>, { headers, body = Buffer.alloc(0) }: FunctionRequest): Buffer {
  if (!isStructured(headers['content-type'])) {
    return body;
  }
  if (isJson(original.datacontenttype ?? 'application/json') && !Buffer.isBuffer(original.data)) {
    const { data } = parseExactJson(body.toString()) as { data?: unknown };
    return Buffer.from(data === undefined ? '' : JSON.stringify(data));
  }
  const { body: data } = writeBinary(original);
  return Buffer.from(data);
}

/** `ignored`: fields that we do not know, in sentences. */
function accepted(event: { id: string; correlation_id: string; subject?: string; ignored?: string[] }): Answer {
  const next = `every event that this one leads to has correlationid "${event.correlation_id}"`;
  return {
    statusCode: 202,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...event, next }),
  };
}
