/** Whether an event may be handled, and for whom what it causes is signed. */
import type { CloudEvent } from 'cloudevents';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { Claims, SigningKeys } from '#shared/events/signature.ts';
import { isStructured } from './media-type.ts';
import type { FunctionRequest } from './request.ts';
import { type Authentication, verifyHeaders } from './signing.ts';

export interface Authenticating {
  mode: Authentication;
  /** Undefined only where the mode is off. */
  keys: SigningKeys | undefined;
  /** Types that need no signature; `*` is all. */
  unsigned: readonly string[];
  maxHops: number;
}

interface Checked {
  claims?: Claims;
  refusal?: { reason: 'Unauthenticated' | 'TooManyHops'; message: string };
}

export function authenticate(
  type: string,
  { headers, body }: Pick<FunctionRequest, 'headers' | 'body'>,
  given: string | undefined,
  { mode, keys, unsigned, maxHops }: Authenticating,
): Checked {
  // Binary mode alone is signed. In structured mode the attributes stand in the body, which is not what the headers
  // say: whoever may send data could send a signed event again, with its data for the event.
  const signature = isStructured(headers['content-type']) ? undefined : given;
  if (mode === 'off' || !keys || (signature === undefined && (unsigned.includes(type) || unsigned.includes('*')))) {
    return {};
  }
  const verified = verifyHeaders(headers, body ?? '', signature, keys);
  if ('problem' in verified) {
    return { refusal: { reason: 'Unauthenticated', message: verified.problem } };
  }
  const { claims } = verified;
  return claims.hops <= maxHops
    ? { claims }
    : {
        claims,
        refusal: {
          reason: 'TooManyHops',
          message: `says that the event has come over ${claims.hops} functions, of ${maxHops} at most: they call each other in a circle`,
        },
      };
}

/** An event that is handed on to another queue of ours, with its own id, is no further hop. */
export function nextClaims(
  claims: Claims | undefined,
  cause: Pick<ReceivedEvent<unknown>, 'id' | 'source'>,
  caused: CloudEvent<unknown>,
): Partial<Pick<Claims, 'tenant' | 'hops'>> {
  const isHandedOn = caused.id === cause.id && caused.source === cause.source;
  return claims ? { tenant: claims.tenant, hops: claims.hops + (isHandedOn ? 0 : 1) } : { hops: 1 };
}
