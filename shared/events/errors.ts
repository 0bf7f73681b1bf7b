/** The two kinds of error that our code throws: one that retrying cannot help, and one that it may help. */
import type { Reason } from './reasons.ts';

/** Retrying cannot help: the sender or its code must change. Becomes a failure event. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/**
 * Retrying may help: an upstream is down, slow or throttling. Becomes 503, or 429 if a time is known and nothing is
 * down.
 */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly reason: Reason;
  /** Seconds to wait before the next attempt, if the upstream said so. */
  readonly retryAfter: number | undefined;

  constructor(reason: Reason, message: string, options?: { cause?: unknown; retryAfter?: number | undefined }) {
    super(message, options);
    this.reason = reason;
    this.retryAfter = options?.retryAfter;
  }
}

/** For a permanent error that the event did not cause: the event is retried while somebody mends the platform. */
export function asRetryable(error: unknown): unknown {
  return error instanceof PermanentError ? new RetryableError(error.reason, error.message, { cause: error }) : error;
}
