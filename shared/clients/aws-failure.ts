/** What an AWS SDK error means: its name and HTTP status, never its message, which may repeat what was sent. */
import {
  classify,
  type FailureKind,
  isClassified,
  networkCode,
  retryAfterSeconds,
  type UpstreamFailure,
} from './classify.ts';

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
};

export function awsStatus(error: unknown): number | undefined {
  const { $metadata, $response } = error as SdkError;
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

export function awsHeader(error: unknown, name: string): string | undefined {
  return (error as SdkError).$response?.headers?.[name];
}

/** The error to throw for what the SDK threw; ours pass unchanged. */
export function awsError(
  error: unknown,
  doing: string,
  { system = 'S3', advice }: { system?: UpstreamFailure['system']; advice?: string | undefined } = {},
): Error {
  if (isClassified(error)) {
    return error;
  }
  const status = awsStatus(error);
  const name = error instanceof Error ? error.name : 'Error';
  const retryAfter = retryAfterSeconds(awsHeader(error, 'retry-after'));
  const requestId = (error as SdkError).$metadata?.requestId;
  const answered = `${name}${status ? ` (HTTP ${status})` : ''}${requestId ? `, request ${requestId}` : ''}`;
  const kind = BY_NAME[name] ?? kindOfStatus(status);
  return classify({
    kind,
    system,
    doing,
    detail: kind === 'no-answer' && status === undefined ? networkCode(error) : answered,
    retryAfter,
    advice: advice ?? adviceFor(kind, system),
  });
}

function kindOfStatus(status: number | undefined): FailureKind {
  if (status === undefined) return 'no-answer';
  if (status === 429) return 'throttled';
  if (status >= 500 || status === 408) return 'unavailable';
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 404) return 'missing';
  return 'refused';
}

function adviceFor(kind: FailureKind, system: UpstreamFailure['system']): string | undefined {
  if (kind === 'forbidden') {
    return system === 'S3'
      ? 'Check the key pair in Secret knative-lambda-s3, or the policy of the role: it needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject'
      : 'Check the policy of the role: it needs ecr:CreateRepository, ecr:TagResource, ecr:GetLifecyclePolicy and ecr:PutLifecyclePolicy';
  }
  return undefined;
}
