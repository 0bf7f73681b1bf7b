/**
 * Classifies errors of the AWS SDK by name and HTTP status. Their message is never used: it may quote what was sent.
 */
import { networkCode } from '#shared/network-code.ts';
import {
  classify,
  type FailureKind,
  isClassified,
  kindOfStatus,
  retryAfterSeconds,
  type UpstreamFailure,
} from './classify.ts';
import type { Trouble } from './upstream.ts';

interface SdkError {
  name: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { statusCode?: number; headers?: Record<string, string> };
}

const BY_NAME: Record<string, FailureKind> = {
  NoSuchBucket: 'missing',
  SlowDown: 'throttled',
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  RequestLimitExceeded: 'throttled',
  RequestTimeout: 'no-answer',
  TimeoutError: 'no-answer',
  ExpiredToken: 'expired-credentials',
  ExpiredTokenException: 'expired-credentials',
  RequestTimeTooSkewed: 'expired-credentials',
  CredentialsProviderError: 'expired-credentials',
  OperationAborted: 'unavailable',
  // The upload has been completed before, and the answer to that was lost.
  NoSuchUpload: 'conflict',
  // Two conditional writes at once, of which possibly neither has succeeded.
  ConditionalRequestConflict: 'unavailable',
};

export function awsStatus(error: unknown): number | undefined {
  const { $metadata, $response } = error as SdkError;
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

export function awsHeader(error: unknown, name: string): string | undefined {
  return (error as SdkError).$response?.headers?.[name];
}

/** The error to throw in place of the SDK's. Errors of ours pass unchanged. */
export function awsError(
  error: unknown,
  doing: string,
  { system = 'S3', advice }: { system?: UpstreamFailure['system']; advice?: string | undefined } = {},
): Error {
  if (isClassified(error)) {
    return error;
  }
  const kind = kindOf(error);
  const requestId = (error as SdkError).$metadata?.requestId;
  return classify({
    kind,
    system,
    doing,
    detail: `${detailOf(error)}${requestId ? `, request ${requestId}` : ''}`,
    retryAfter: retryAfterOf(error),
    advice: advice ?? adviceFor(kind, system),
  });
}

const PASSING: FailureKind[] = ['no-answer', 'unavailable', 'throttled', 'expired-credentials'];

/** Undefined where the upstream is healthy, and the request was refused. */
export function awsTrouble(error: unknown): Trouble | undefined {
  const kind = kindOf(error);
  if (isClassified(error) || !PASSING.includes(kind)) {
    return undefined;
  }
  const status = awsStatus(error);
  const isFailure = kind === 'no-answer' || kind === 'unavailable';
  const isIll = isFailure && (status === undefined || status >= 500);
  return { detail: detailOf(error), isIll, retryAfter: retryAfterOf(error) };
}

function kindOf(error: unknown): FailureKind {
  const named = error instanceof Error ? BY_NAME[error.name] : undefined;
  const status = awsStatus(error);
  if (named !== undefined || status === undefined) {
    return named ?? 'no-answer';
  }
  return status === 409 || status === 412 ? 'conflict' : kindOfStatus(status);
}

function detailOf(error: unknown): string {
  const status = awsStatus(error);
  const name = error instanceof Error ? error.name : 'Error';
  if (kindOf(error) === 'no-answer' && status === undefined) {
    return networkCode(error);
  }
  return `${name}${status ? ` (HTTP ${status})` : ''}`;
}

function retryAfterOf(error: unknown): number | undefined {
  return retryAfterSeconds(awsHeader(error, 'retry-after'));
}

function adviceFor(kind: FailureKind, system: UpstreamFailure['system']): string | undefined {
  if (kind === 'forbidden') {
    return system === 'S3'
      ? 'Check the key pair in Secret knative-lambda-s3, or the policy of the role: it needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject'
      : 'Check the policy of the role: it needs ecr:CreateRepository, ecr:TagResource, ecr:GetLifecyclePolicy and ecr:PutLifecyclePolicy';
  }
  return undefined;
}
