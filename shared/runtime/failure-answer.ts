/** Decides what a handler's error is answered with. This rule keeps events from getting lost. */
import { createHash } from 'node:crypto';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import type { ProblemDetails } from './problem-answer.ts';

export type Failure =
  /** Retrying cannot help: the reply is an event.rejected. */
  | { outcome: 'rejected'; reason: Reason; event: NewEvent<'event.rejected'> }
  /** Retrying may help: the Broker retries at every 5xx and 429. */
  | ({ reason: Reason } & FailedAnswer);

export interface FailedAnswer {
  outcome: 'retry' | 'failed' | 'refused';
  details: ProblemDetails;
  headers: Record<string, string>;
}

/** Thrown by a route: the request is answered with this problem. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly details: ProblemDetails;
  readonly headers: Record<string, string>;

  constructor(details: ProblemDetails, headers: Record<string, string> = {}) {
    super(details.detail);
    this.details = details;
    this.headers = headers;
  }
}

/**
 * Only the error's class decides. An upstream's `code`, `status` or message is never shown to the sender. An unexpected
 * error is retried and dead-lettered at last, so that a bug of ours loses no event.
 */
export function failureOf(error: unknown, event: ReceivedEvent<unknown>): Failure {
  if (error instanceof PermanentError) {
    const problems = [{ path: 'data', message: error.message }];
    return { outcome: 'rejected', reason: error.reason, event: eventRejected(event.original, error.reason, problems) };
  }
  const answer = problemOf(error);
  return { reason: answer.details.reason, ...answer };
}

/** The same for a request that is no event. An upstream that refuses us for good is no fault of who asks. */
export function problemOf(error: unknown): FailedAnswer {
  if (error instanceof RequestProblem) {
    return { outcome: 'refused', details: error.details, headers: error.headers };
  }
  if (error instanceof PermanentError) {
    const { reason, message: detail } = error;
    return { outcome: 'failed', details: { status: 502, reason, detail }, headers: {} };
  }
  if (error instanceof RetryableError) {
    const { reason, message: detail, retryAfter } = error;
    // The status tells dead letters what was down (503) and what was overloaded (429).
    const status = retryAfter === undefined || reason === 'Unavailable' ? 503 : 429;
    const wait = retryAfter === undefined ? undefined : Math.max(1, Math.ceil(retryAfter));
    const headers: Record<string, string> = wait === undefined ? {} : { 'retry-after': String(wait) };
    return { outcome: 'retry', details: { status, reason, detail }, headers };
  }
  const fingerprint = fingerprintOf(error);
  const detail = `The function failed; its log says why under fingerprint ${fingerprint}.`;
  const reason = 'InternalError';
  return { outcome: 'failed', details: { status: 500, reason, detail, fingerprint }, headers: {} };
}

/** The error's class and the place that threw it: the same bug has the same fingerprint, whatever the event is. */
function fingerprintOf(error: unknown): string {
  const frames =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')) : [];
  const name = error instanceof Error ? error.name : typeof error;
  return createHash('sha256')
    .update([name, ...frames.slice(0, 3)].join('\n'))
    .digest('hex')
    .slice(0, 12);
}
