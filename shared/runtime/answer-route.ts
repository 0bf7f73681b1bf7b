/** Answers a request that is no event: traced, measured and logged as events are, and streamed where it is a stream. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { SECOND } from '#shared/durations.ts';
import type { EventMetrics, Outcome } from '#shared/telemetry/metrics.ts';
import { parseTraceparent } from '#shared/telemetry/traceparent.ts';
import type { Tracing } from '#shared/telemetry/traces.ts';
import { etagOf } from './etag.ts';
import { problemOf } from './failure-answer.ts';
import { problemAnswer } from './problem-answer.ts';
import type { Answer, FunctionRequest } from './request.ts';
import { type Matched, type RoutedRequest, routeName, type Streamed } from './routes.ts';
import { sendStream } from './send-stream.ts';

/** Knative ends a request after 300 s, in its middle. A stream ends before that, between two pieces. */
const STREAM_TIME = 270 * SECOND;
/** Streams that a process keeps open. The next one is told to come back. */
const MOST_STREAMS = 200;

export interface AnsweringRoutes<Deps> {
  tracing: () => Promise<Tracing>;
  metrics: EventMetrics;
  log: Logger;
  dependencies: () => Promise<Deps>;
  /** Aborted when the function drains. */
  draining: AbortSignal;
  streamTime?: number;
  mostStreams?: number;
}

interface Ended {
  outcome: Outcome;
  status: number;
  error?: unknown;
}

/** Never rejects. Resolves when the answer, of a stream its last piece, has been sent. */
export function answerRoute<Deps>(answering: AnsweringRoutes<Deps>) {
  const { mostStreams = MOST_STREAMS, streamTime = STREAM_TIME } = answering;
  let streams = 0;

  return async (
    { route, params }: Matched<Deps>,
    request: FunctionRequest & { query: URLSearchParams },
    response: ServerResponse,
  ): Promise<void> => {
    const began = performance.now();
    const name = routeName(route);
    answering.metrics.begin();
    const span = (await answering.tracing()).startSpan({
      name,
      parent: parseTraceparent(request.headers['traceparent']),
      creation: undefined,
    });
    const { traceId, spanId } = span.traceparent;
    const log = answering.log.child({ traceid: traceId, spanid: spanId, route: name, ...params });
    const noted: Record<string, unknown> = {};
    response.setHeader('x-trace-id', traceId);
    const ended = await span.run(async () => {
      const end = new AbortController();
      response.once('close', () => end.abort());
      const signal = AbortSignal.any([end.signal, answering.draining]);
      const note = (fields: object) => void Object.assign(noted, fields);
      try {
        const deps = await answering.dependencies();
        const answer = await route.handle({ ...request, params }, deps, { log, note, signal });
        return await send(answer, { request: { ...request, params }, response, signal });
      } catch (error) {
        const { details, outcome, headers } = problemOf(error);
        end.abort();
        await sendWhole(problemAnswer(details, headers), request, response);
        return { outcome, status: details.status, error } satisfies Ended;
      }
    });
    const seconds = (performance.now() - began) / 1000;
    span.annotate({ 'knative_lambda.outcome': ended.outcome, 'http.response.status_code': ended.status });
    span.end(ended.error);
    answering.metrics.end(name, ended.outcome, seconds);
    report(log, ended, { ...noted, duration_ms: Math.round(seconds * 1_000_000) / 1000 });
  };

  async function send(
    answer: Answer | Streamed,
    { request, response, signal }: { request: RoutedRequest; response: ServerResponse; signal: AbortSignal },
  ): Promise<Ended> {
    if (!('stream' in answer)) {
      const status = await sendWhole(answer, request, response);
      return { outcome: status < 400 ? 'replied' : 'refused', status };
    }
    if (streams >= mostStreams) {
      const detail = `this pod has ${mostStreams} streams open, which is as many as it may: try again in 5 s`;
      await sendWhole(
        problemAnswer({ status: 503, reason: 'Throttled', detail }, { 'retry-after': '5' }),
        request,
        response,
      );
      return { outcome: 'refused', status: 503 };
    }
    streams += 1;
    try {
      await sendStream(answer, response, AbortSignal.any([signal, AbortSignal.timeout(streamTime)]));
      return { outcome: 'replied', status: answer.statusCode };
    } finally {
      streams -= 1;
    }
  }
}

/** Gives the status that was sent: 304 where the client has this very answer already. */
async function sendWhole(
  { statusCode, headers, body }: Answer,
  { method, headers: asked }: Pick<FunctionRequest, 'method' | 'headers'>,
  response: ServerResponse,
): Promise<number> {
  if (response.headersSent) {
    response.destroy();
    return statusCode;
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body as string);
  const isRead = method === 'GET' || method === 'HEAD';
  const etag = isRead && statusCode === 200 ? (headers['etag'] ?? etagOf(bytes)) : undefined;
  const all = { 'x-correlation-id': randomUUID(), ...headers, ...(etag ? { etag } : {}) };
  const isKnown = etag !== undefined && namesOf(asked['if-none-match']).includes(etag);
  const status = isKnown ? 304 : statusCode;
  response.writeHead(status, isKnown ? all : { ...all, 'content-length': bytes.length });
  response.end(isKnown || method === 'HEAD' ? undefined : bytes);
  return status;
}

/** A proxy that compresses makes a strong name weak. */
function namesOf(header: string | undefined): string[] {
  return (header ?? '').split(',').map((name) => name.trim().replace(/^W\//, ''));
}

function report(log: Logger, { outcome, status, error }: Ended, measured: object): void {
  const level = outcome === 'failed' ? 'error' : outcome === 'retry' ? 'warn' : 'info';
  log[level]({ outcome, status, ...measured, ...(error === undefined ? {} : { err: error }) }, `request ${outcome}`);
}
