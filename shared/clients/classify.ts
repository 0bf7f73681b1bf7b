/** From what an upstream (Kubernetes, S3, ECR) answered to one of our two errors: the only place that decides what is worth retrying. */
import { PermanentError, RetryableError } from '#shared/events/errors.ts';

/** What went wrong, in words that all upstreams share. Each adapter translates its own errors into these. */
export type FailureKind =
  /** No answer: refused, reset, timed out, no such host. */
  | 'no-answer'
  /** 5xx: it is down, or restarting. */
  | 'unavailable'
  /** 429, SlowDown. */
  | 'throttled'
  /** Our credentials are valid no more; the next attempt reads fresh ones. */
  | 'expired-credentials'
  /** Somebody changed the object in between. */
  | 'conflict'
  /** There is room later, when something else has ended. */
  | 'quota-exceeded'
  /** What we may not do. */
  | 'forbidden'
  /** A bucket, namespace or kind that must be there is not. */
  | 'missing'
  /** Invalid, or an admission webhook said no. */
  | 'refused';

export interface UpstreamFailure {
  kind: FailureKind;
  system: 'Kubernetes' | 'S3' | 'ECR';
  /** What we were doing, as a phrase: `creating Job build-p1-0123456789`. */
  doing: string;
  /** The upstream's own words, checked to hold neither credentials nor bodies of unknown origin. */
  detail: string;
  /** Seconds, where it said so. */
  retryAfter?: number | undefined;
  /** For the person who must act, with the very command where there is one. */
  advice?: string | undefined;
}

/** Long enough for an admission webhook's list, short enough for a log line. */
const DETAIL_LIMIT = 600;
const QUOTA_RETRY_SECONDS = 60;

/**
 * The error to throw. The upstream's error object is not kept as `cause`: it holds request headers and response bodies, and its `code`
 * would become an HTTP status in faas-js-runtime.
 */
export function classify(failure: UpstreamFailure): PermanentError | RetryableError {
  const { kind, system, doing, retryAfter } = failure;
  const detail = failure.detail.slice(0, DETAIL_LIMIT);
  const said = `${system} failed at ${doing}: ${detail}`;
  const message = failure.advice ? `${said}. ${failure.advice}` : said;
  switch (kind) {
    case 'no-answer':
    case 'unavailable':
    case 'expired-credentials':
      return new RetryableError('Unavailable', message, { retryAfter });
    case 'throttled':
      return new RetryableError('Throttled', message, { retryAfter: retryAfter ?? 1 });
    case 'quota-exceeded':
      return new RetryableError('Throttled', message, { retryAfter: retryAfter ?? QUOTA_RETRY_SECONDS });
    case 'conflict':
      return new RetryableError('Conflict', message);
    case 'forbidden':
      return new PermanentError('Forbidden', message);
    case 'missing':
      return new PermanentError(system === 'S3' ? 'NoSource' : 'Refused', message);
    case 'refused':
      return new PermanentError('Refused', message);
    default:
      return kind satisfies never;
  }
}

/** Ours already: what an upload's own source threw, for instance. */
export function isClassified(error: unknown): error is PermanentError | RetryableError {
  return error instanceof PermanentError || error instanceof RetryableError;
}

/** Seconds in a Retry-After header, which may hold a number or a date. */
export function retryAfterSeconds(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined || header.trim() === '') {
    return undefined;
  }
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/** The code of a network error (ECONNREFUSED, ETIMEDOUT …), which undici and the AWS SDK bury in `cause`. */
export function networkCode(error: unknown): string {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth++) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string') {
      return code;
    }
    if (current.name === 'TimeoutError' || current.name === 'AbortError') {
      return 'no answer in time';
    }
  }
  return 'no answer';
}
