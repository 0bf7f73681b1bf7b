/** What a handler's error becomes: the rule that keeps events from getting lost. */
import { createHash } from 'node:crypto';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import type { ProblemDetails } from './problem-answer.ts';

export type Failure =
  /** Never worth retrying: an event tells of it. */
  | { outcome: 'rejected'; reason: Reason; event: NewEvent<'event.rejected'> }
  /** Worth retrying: the broker does, whatever the status is that says so. */
  | { outcome: 'retry' | 'failed'; reason: Reason; details: ProblemDetails; retryAfter?: number };

/**
 * Only by its class: an upstream's `code`, `status` or message never shows outside. An error that nobody foresaw is retried
 * and at last dead-lettered, so that nothing is lost over a mistake of ours.
 */
export function failureOf(error: unknown, event: ReceivedEvent<unknown>): Failure {
  if (error instanceof PermanentError) {
    const problems = [{ path: 'data', message: error.message }];
    return { outcome: 'rejected', reason: error.reason, event: eventRejected(event.original, error.reason, problems) };
  }
  if (error instanceof RetryableError) {
    const { reason, message: detail, retryAfter } = error;
    // Dead letters tell by the status what was down and what had too much to do.
    const status = retryAfter === undefined || reason === 'Unavailable' ? 503 : 429;
    const details = { status, reason, detail };
    return retryAfter === undefined
      ? { outcome: 'retry', reason, details }
      : { outcome: 'retry', reason, details, retryAfter: Math.max(1, Math.ceil(retryAfter)) };
  }
  const fingerprint = fingerprintOf(error);
  const detail = `The function failed; its log says why under fingerprint ${fingerprint}.`;
  const reason = 'InternalError';
  return { outcome: 'failed', reason, details: { status: 500, reason, detail, fingerprint } };
}

/** The same for the same mistake, whatever the event: the error's class and where it was thrown. */
function fingerprintOf(error: unknown): string {
  const frames =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at ')) : [];
  const name = error instanceof Error ? error.name : typeof error;
  return createHash('sha256')
    .update([name, ...frames.slice(0, 3)].join('\n'))
    .digest('hex')
    .slice(0, 12);
}
