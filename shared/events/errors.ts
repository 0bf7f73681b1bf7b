/** The two ways in which our code fails, and nothing else: not worth retrying, or worth retrying. */
import type { Reason } from './reasons.ts';

/** Thrown where trying again cannot help: the sender or its code must change. Becomes the explicit failure event. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** Thrown where the same request may succeed later: an upstream is down, slow or throttling. Becomes 503, or 429 where a time is known and nothing is down. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly reason: Reason;
  /** Seconds to wait before the next attempt, where the upstream said so. */
  readonly retryAfter: number | undefined;

  constructor(reason: Reason, message: string, options?: { cause?: unknown; retryAfter?: number | undefined }) {
    super(message, options);
    this.reason = reason;
    this.retryAfter = options?.retryAfter;
  }
}

/** A refusal for good that is no fault of the event: it comes again, while somebody reads the log. */
export function asRetryable(error: unknown): unknown {
  return error instanceof PermanentError ? new RetryableError(error.reason, error.message, { cause: error }) : error;
}
