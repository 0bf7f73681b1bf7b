/** Answers one request: reads, checks, traces, handles, measures and logs it. */
import { randomUUID } from 'node:crypto';
import type { CloudEvent } from 'cloudevents';
import type { Logger } from 'pino';
import { bounded } from '#shared/bounded-text.ts';
import { causedBy, type NewEvent, type ReceivedEvent } from '#shared/events/event.ts';
import { identitySchema, subjectOf } from '#shared/events/identity.ts';
import { boundedProblems } from '#shared/events/problem.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { type EventClaims, SIGNATURE } from '#shared/events/signature.ts';
import type { EventMetrics, Outcome } from '#shared/telemetry/metrics.ts';
import { formatTraceparent, parseTraceparent } from '#shared/telemetry/traceparent.ts';
import type { EventSpan, Tracing } from '#shared/telemetry/traces.ts';
import { type Authenticating, authenticate, nextClaims } from './authenticate.ts';
import { writeBinary } from './binary-mode.ts';
import { readEnvelope } from './envelope.ts';
import { failureOf } from './failure-answer.ts';
import { encodeHeaderValue } from './header-value.ts';
import { problemAnswer } from './problem-answer.ts';
import { type Receipt, receiveEvent } from './received-event.ts';
import type { Answer, FunctionRequest } from './request.ts';
import { RequestRefused } from './request-refused.ts';
import { signHeaders, takeSignature } from './signing.ts';
import { eventFields, spanAttributes } from './telemetry-fields.ts';
import type { EventSchemas, Handled, HandlerContext } from './types.ts';

export interface Answering {
  name: string;
  events: EventSchemas;
  wakes: readonly string[];
  /** Bytes of data. */
  limit: number;
  authentication: Authenticating;
  tracing: () => Promise<Tracing>;
  metrics: EventMetrics;
  log: Logger;
  /** Awaits the dependencies, then runs the function's own handler. */
  handle: (event: ReceivedEvent<unknown>, context: HandlerContext) => Promise<Handled>;
  answers: 'the Broker' | 'clients';
}

interface Ended {
  answer: Answer;
  outcome: Outcome;
  reason?: string;
  error?: unknown;
}

/** Never rejects: the runtime would take a thrown error's `code` for the status of the answer. */
export function answerRequest(answering: Answering): (request: FunctionRequest) => Promise<Answer> {
  let cold = true;
  return async (request) => {
    const began = performance.now();
    answering.metrics.begin();
    const signature = takeSignature(request.headers);
    const received = receive(request, answering);
    const receipt = received instanceof RequestRefused ? undefined : received;
    const span = (await answering.tracing()).startSpan({
      name: `process ${receipt?.supported ? receipt.event.type : answering.name}`,
      parent: parseTraceparent(request.headers['traceparent']),
      creation: parseTraceparent(receipt?.event.traceparent),
    });
    const { traceId, spanId } = span.traceparent;
    const correlationId = receipt?.event.correlationId ?? correlationIdOfRefused(request);
    const log = answering.log.child({
      traceid: traceId,
      spanid: spanId,
      correlationid: bounded(correlationId),
      ...eventFields(receipt?.event),
    });
    if (receipt) {
      span.annotate({ ...spanAttributes(receipt.event), 'faas.coldstart': cold });
      cold = false;
    }

    const noted: Record<string, unknown> = {};
    const context = { log, request, note: (fields: object) => void Object.assign(noted, fields) };
    const ended =
      received instanceof RequestRefused
        ? refuse(received)
        : await span.run(() => process({ ...received, signature }, span, context, answering));

    const seconds = (performance.now() - began) / 1000;
    span.annotate({ 'knative_lambda.outcome': ended.outcome });
    span.end(ended.error);
    answering.metrics.end(receipt?.event.type, ended.outcome, seconds, ended.reason);
    report(log, ended, { ...noted, duration_ms: Math.round(seconds * 1_000_000) / 1000 });
    ended.answer.headers['x-correlation-id'] = encodeHeaderValue(correlationId);
    ended.answer.headers['x-trace-id'] = traceId;
    return ended.answer;
  };
}

function receive(request: FunctionRequest, { events, limit }: Answering): Receipt | RequestRefused {
  try {
    if (request.path !== '/') {
      throw new RequestRefused(404, `there is nothing at this path: send events by POST to /`, []);
    }
    if (request.method !== 'POST') {
      const how = `curl -X POST -H 'Content-Type: application/cloudevents+json' -d '{"specversion":"1.0","id":"1","source":"me","type":"…","data":{}}'`;
      throw new RequestRefused(405, `this is a function that takes CloudEvents; send one by POST: ${how}`, []);
    }
    return receiveEvent(readEnvelope(request, limit), events);
  } catch (error) {
    if (error instanceof RequestRefused) {
      return error;
    }
    throw error;
  }
}

async function process(
  { event, problems, supported, signature }: Receipt & { signature: string | undefined },
  span: EventSpan,
  context: HandlerContext,
  answering: Answering,
): Promise<Ended> {
  if (answering.wakes.includes(event.type)) {
    return { answer: accepted(), outcome: 'acknowledged' };
  }
  // Events that this one causes get this span as their parent, so that a trace shows a chain.
  const handled = { ...event, traceparent: formatTraceparent(span.traceparent) };
  const subject = subjectFor(event);
  const cause = { ...handled, ...(subject ? { subject } : {}) };
  const { authentication } = answering;
  const isForClients = answering.answers === 'clients';
  const checked = isForClients ? {} : authenticate(event, context.request, signature, authentication);
  const reply = (caused: CloudEvent<unknown>) =>
    replyOf(caused, nextClaims(checked.claims, event, caused), authentication);
  const reject = (reason: Reason, rejected: NewEvent<'event.rejected'>): Ended => {
    if (isForClients) {
      const detail = 'the event is wrong: correct each problem, then send it again';
      return {
        answer: problemAnswer({ status: 400, reason, detail, problems: rejected.data.problems }),
        outcome: 'refused',
        reason,
      };
    }
    // Only dead-letter takes event.rejected. A Trigger that brings one here would bring its rejection here as well,
    // and so on for ever.
    if (event.type === 'event.rejected') {
      return { answer: accepted(), outcome: 'acknowledged', reason };
    }
    const data = { ...rejected.data, function: answering.name };
    return { answer: reply(causedBy(cause, { ...rejected, data })), outcome: 'rejected', reason };
  };
  if (checked.refusal) {
    const { reason, message } = checked.refusal;
    if (authentication.mode === 'required') {
      return reject(reason, eventRejected(event.original, reason, [{ path: SIGNATURE, message }]));
    }
    context.note({ unauthenticated: message });
  }
  try {
    if (!supported) {
      const taken = Object.keys(answering.events).join(', ');
      const message = `is ${JSON.stringify(bounded(event.type))}, which ${answering.name} does not take; it takes ${taken}: correct the Trigger's filter`;
      return reject(
        'UnsupportedEvent',
        eventRejected(event.original, 'UnsupportedEvent', [...problems, { path: 'type', message }]),
      );
    }
    if (problems.length > 0) {
      return reject('InvalidEvent', eventRejected(event.original, 'InvalidEvent', problems));
    }
    const answer = await answering.handle(handled, { ...context, claims: checked.claims });
    if (answer === undefined) {
      return { answer: accepted(), outcome: 'acknowledged' };
    }
    if ('statusCode' in answer) {
      return { answer, outcome: answer.statusCode < 400 ? 'replied' : 'refused' };
    }
    return answer.type === 'event.rejected'
      ? reject(answer.data.reason, answer)
      : { answer: reply(causedBy(cause, answer)), outcome: 'replied' };
  } catch (error) {
    const failure = failureOf(error, event);
    if (failure.outcome === 'rejected') {
      return { ...reject(failure.reason, failure.event), error };
    }
    const { outcome, reason, details, headers } = failure;
    return { answer: problemAnswer(details, headers), outcome, reason, error };
  }
}

/** The subject of the reply: the same function, also if the event named it only in its data. */
function subjectFor(event: ReceivedEvent<unknown>): string | undefined {
  const identity = identitySchema.safeParse(event.data);
  return identity.success ? subjectOf(identity.data) : event.subject;
}

function refuse(refused: RequestRefused): Ended {
  const { statusCode: status, message: detail, problems } = refused;
  const headers: Record<string, string> = status === 405 ? { allow: 'POST' } : {};
  const answer = problemAnswer(
    {
      status,
      reason: 'NotACloudEvent',
      detail,
      ...(problems.length > 0 ? { problems: boundedProblems(problems) } : {}),
    },
    headers,
  );
  return { answer, outcome: 'refused', reason: bounded(detail) };
}

/** The Broker sends it on. */
function replyOf(event: CloudEvent<unknown>, claims: EventClaims, { mode, keys }: Authenticating): Answer {
  const { headers, body } = writeBinary(event);
  if (mode !== 'off' && keys) {
    signHeaders(headers, body, keys, claims);
  }
  return { statusCode: 200, headers, body };
}

function accepted(): Answer {
  return { statusCode: 202, headers: {}, body: '' };
}

function correlationIdOfRefused(request: FunctionRequest): string {
  const given = request.headers['ce-correlationid'];
  return typeof given === 'string' && given !== '' && given.length <= 200 ? given : randomUUID();
}

function report(log: Logger, { outcome, reason, error, answer }: Ended, measured: object): void {
  const level = outcome === 'failed' ? 'error' : outcome === 'retry' || outcome === 'rejected' ? 'warn' : 'info';
  const fields = {
    outcome,
    status: answer.statusCode,
    ...measured,
    ...(reason ? { reason } : {}),
    ...(answer.headers['ce-type'] ? { reply: { type: answer.headers['ce-type'], id: answer.headers['ce-id'] } } : {}),
    ...(error === undefined ? {} : { err: error }),
    ...(outcome === 'failed' ? { fingerprint: JSON.parse(String(answer.body)).fingerprint } : {}),
  };
  log[level](fields, `event ${outcome}`);
}
