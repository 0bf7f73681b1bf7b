/** What an error of the Kubernetes client means, by the Status object in its body. */
import { ApiException } from '@kubernetes/client-node';
import * as z from 'zod';
import { networkCode } from '#shared/network-code.ts';
import { readJson } from '#shared/read-json.ts';
import { classify, type FailureKind, isClassified, kindOfStatus, retryAfterSeconds } from './classify.ts';

const statusSchema = z.object({
  kind: z.literal('Status'),
  reason: z.string().default(''),
  message: z.string().default(''),
  details: z.object({ retryAfterSeconds: z.number().optional() }).nullish(),
});

interface Status {
  code: number;
  /** `AlreadyExists` and `Conflict` are both 409 and differ only here. */
  reason: string;
  message: string;
  retryAfter: number | undefined;
}

/**
 * The Status of a refusal; undefined where there was no answer. A body that is no Status is not quoted, since its
 * origin is unknown.
 */
export function statusOf(error: unknown): Status | undefined {
  if (!(error instanceof ApiException)) {
    return undefined;
  }
  const body: unknown = error.body;
  const parsed = statusSchema.safeParse(typeof body === 'string' ? readJson(body) : body);
  const header = retryAfterSeconds((error.headers as Record<string, string> | undefined)?.['retry-after']);
  return {
    code: error.code,
    reason: parsed.data?.reason ?? '',
    message: parsed.data?.message ?? '',
    retryAfter: header ?? parsed.data?.details?.retryAfterSeconds,
  };
}

/** The error to throw in place of the client's. */
export function kubernetesError(error: unknown, doing: string): Error {
  if (isClassified(error)) {
    return error;
  }
  const status = statusOf(error);
  if (!status) {
    return classify({ kind: 'no-answer', system: 'Kubernetes', doing, detail: networkCode(error) });
  }
  const kind = kindOf(status);
  return classify({
    kind,
    system: 'Kubernetes',
    doing,
    detail: status.message || `HTTP ${status.code}${status.reason ? ` ${status.reason}` : ''}`,
    retryAfter: status.retryAfter,
    advice: kind === 'forbidden' ? 'See what the service account may do with `kubectl auth can-i --list`' : undefined,
  });
}

function kindOf({ code, reason, message }: Status): FailureKind {
  const quotaExceeded = code === 403 && message.includes('exceeded quota');
  const deniedByWebhook = /admission webhook ".*" denied the request/.test(message);
  if (quotaExceeded) {
    return 'quota-exceeded';
  }
  if (deniedByWebhook) {
    return 'refused';
  }
  if (code === 409) {
    return reason === 'AlreadyExists' ? 'refused' : 'conflict';
  }
  // The kubelet rotates the token file. The client reads it again once a minute.
  if (code === 401) {
    return 'expired-credentials';
  }
  // 410 Expired: the continue token of a list is too old. Starting over helps.
  return code === 410 ? 'unavailable' : kindOfStatus(code);
}
