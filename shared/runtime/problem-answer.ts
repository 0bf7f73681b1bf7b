/** The answer to a request that failed: application/problem+json (RFC 9457). */
import { STATUS_CODES } from 'node:http';
import type { Problem } from '#shared/events/problem.ts';
import type { Reason } from '#shared/events/reasons.ts';
import type { Answer } from './request.ts';

export interface ProblemDetails {
  status: number;
  reason: Reason;
  /** For people: what was wrong and what to do next. */
  detail: string;
  problems?: Problem[];
  /** Names the place in the code that failed. The log has the same fingerprint. */
  fingerprint?: string;
}

export function problemAnswer(details: ProblemDetails, headers: Record<string, string> = {}): Answer {
  const { status, ...rest } = details;
  return {
    statusCode: status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, ...rest }),
  };
}
