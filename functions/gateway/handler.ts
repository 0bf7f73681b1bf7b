/**
 * The gateway: the address for clients. The token tells who sends; what that principal may not say is refused, and what
 * it may is sent on to the Broker, signed for its tenant.
 */
import { ANYBODY, type Principal, principalOf } from '#shared/clients/principals.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { parseExactJson } from '#shared/runtime/exact-json.ts';
import { isJson, isStructured } from '#shared/runtime/media-type.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import type { Answer, FunctionRequest } from '#shared/runtime/request.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { bindEvent } from './bind.ts';
import type { GatewayDependencies } from './dependencies.ts';

type Admitted = { principal: Principal } | { answer: Answer };

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
  return accepted({ id, correlation_id: event.correlationId, ...(subject ? { subject } : {}) });
}

async function admit(authorization: string | undefined, deps: GatewayDependencies): Promise<Admitted> {
  const token = tokenIn(authorization);
  if (token === undefined) {
    return deps.authentication === 'required'
      ? unauthenticated('send a token: Authorization: Bearer …')
      : { principal: ANYBODY };
  }
  const principals = await deps.principals();
  const verified = await deps.verify(token, principals.issuers);
  if ('problem' in verified) {
    return unauthenticated(verified.problem);
  }
  const principal = principalOf(principals, verified);
  if (principal && !principal.blocked) {
    return { principal };
  }
  const detail = principal
    ? `${principal.name} is blocked: ask the operator`
    : `the token of ${verified.claims.sub} is valid, but it speaks for nobody here: ask the operator to add it to ConfigMap knative-lambda-principals`;
  return { answer: refusal(403, 'Forbidden', detail) };
}

/** As the password of a URL as well, for clients that can set no header: `kn event send --to-url`. */
function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme, value = ''] = /^(Bearer|Basic) +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '') ?? [];
  if (scheme === undefined) {
    return authorization === undefined ? undefined : '';
  }
  return scheme.toLowerCase() === 'bearer'
    ? value
    : Buffer.from(value, 'base64').toString().split(':').slice(1).join(':');
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

function unauthenticated(detail: string): Admitted {
  return { answer: refusal(401, 'Unauthenticated', detail, { 'www-authenticate': 'Bearer realm="knative-lambda"' }) };
}

function refusal(status: number, reason: Reason, detail: string, headers: Record<string, string> = {}): Answer {
  return problemAnswer({ status, reason, detail }, headers);
}

function accepted(event: { id: string; correlation_id: string; subject?: string }): Answer {
  const next = `every event that this one leads to has correlationid "${event.correlation_id}"`;
  return {
    statusCode: 202,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...event, next }),
  };
}
