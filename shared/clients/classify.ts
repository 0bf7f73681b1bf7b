/**
 * Turns a failure of an upstream (Kubernetes, S3, ECR, a registry) into one of our two errors. The only place that
 * decides what is retried.
 */
import { PermanentError, RetryableError } from '#shared/events/errors.ts';

/** The kinds of failure that all upstreams share. Each adapter maps its own errors to them. */
export type FailureKind =
  /** No answer: refused, reset, timed out, no such host. */
  | 'no-answer'
  /** 5xx: it is down, or restarting. */
  | 'unavailable'
  /** 429, SlowDown. */
  | 'throttled'
  /** Our credentials have expired; the next attempt reads new ones. */
  | 'expired-credentials'
  /** The object has been changed in between. */
  | 'conflict'
  /** There is room later, when other objects are gone. */
  | 'quota-exceeded'
  /** We lack the permission. */
  | 'forbidden'
  /** A bucket, namespace or kind that must exist does not. */
  | 'missing'
  /** Invalid, or denied by an admission webhook. */
  | 'refused';

/** What an HTTP status means, where the upstream gives it no other meaning. */
export function kindOfStatus(status: number): FailureKind {
  if (status === 429) {
    return 'throttled';
  }
  if (status >= 500 || status === 408) {
    return 'unavailable';
  }
  if (status === 401 || status === 403) {
    return 'forbidden';
  }
  return status === 404 ? 'missing' : 'refused';
}

export interface UpstreamFailure {
  kind: FailureKind;
  system: 'Kubernetes' | 'S3' | 'ECR' | 'Registry';
  /** What we were doing, as a phrase: `creating Job build-p1-0123456789`. */
  doing: string;
  /** The upstream's own words. Must contain neither credentials nor bodies of unknown origin. */
  detail: string;
  /** Seconds, where the upstream has said so. */
  retryAfter?: number | undefined;
  /** What a person has to do, with the command where there is one. */
  advice?: string | undefined;
}

/** Characters: enough for the message of an admission webhook, and not too many for a log line. */
const DETAIL_LIMIT = 600;
const QUOTA_RETRY_SECONDS = 60;

/**
 * Returns the error to throw. The upstream's error is not kept as `cause`: it contains request headers and response
 * bodies, and faas-js-runtime would use its `code` as the HTTP status.
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

/** Whether the error is one of ours already, such as one that the source of an upload has thrown. */
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
