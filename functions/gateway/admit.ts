/** Who asks: the token leads to a principal. */
import { ANYBODY, type Principal, principalOf } from '#shared/clients/principals.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import type { Answer } from '#shared/runtime/request.ts';
import type { GatewayDependencies } from './dependencies.ts';

export type Admitted = { principal: Principal } | { answer: Answer };
type Admitting = Pick<GatewayDependencies, 'authentication' | 'principals' | 'verify'>;

export async function admit(authorization: string | undefined, deps: Admitting): Promise<Admitted> {
  const token = tokenIn(authorization);
  if (token === undefined) {
    return deps.authentication === 'required'
      ? unauthenticated('send a token: Authorization: Bearer …')
      : { principal: ANYBODY };
  }
  const principals = await deps.principals();
  const verified = await deps.verify(token, principals.issuers);
  if ('problem' in verified) {
    return unauthenticated(verified.problem);
  }
  const principal = principalOf(principals, verified);
  if (principal && !principal.blocked) {
    return { principal };
  }
  const detail = principal
    ? `${principal.name} is blocked: ask the operator`
    : `the token of ${verified.claims.sub} is valid, but it speaks for nobody here: ask the operator to add it to ConfigMap knative-lambda-principals`;
  return { answer: refusal(403, 'Forbidden', detail) };
}

/** As the password of a URL as well, for clients that can set no header: `kn event send --to-url`. */
function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme, value = ''] = /^(Bearer|Basic) +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '') ?? [];
  if (scheme === undefined) {
    return authorization === undefined ? undefined : '';
  }
  return scheme.toLowerCase() === 'bearer'
    ? value
    : Buffer.from(value, 'base64').toString().split(':').slice(1).join(':');
}

function unauthenticated(detail: string): Admitted {
  return { answer: refusal(401, 'Unauthenticated', detail, { 'www-authenticate': 'Bearer realm="knative-lambda"' }) };
}

export function refusal(status: number, reason: Reason, detail: string, headers: Record<string, string> = {}): Answer {
  return problemAnswer({ status, reason, detail }, headers);
}
