/** Whether an event may be handled, and for whom what it causes is signed. */
import type { CloudEvent } from 'cloudevents';
import * as z from 'zod';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { identityFields, identityFromAttributes } from '#shared/events/identity.ts';
import type { Claims, EventClaims, SigningKeys } from '#shared/events/signature.ts';
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

export interface Checked {
  /** For whom the event was signed, where it was. */
  claims?: Claims;
  refusal?: { reason: 'Unauthenticated' | 'TooManyHops'; message: string };
}

const tenantSchema = z.object({ third_party_id: identityFields.third_party_id });

export function authenticate(
  event: ReceivedEvent<unknown>,
  { headers, body }: Pick<FunctionRequest, 'headers' | 'body'>,
  given: string | undefined,
  { mode, keys, unsigned, maxHops }: Authenticating,
): Checked {
  // Binary mode alone is signed. In structured mode the attributes stand in the body, which is not what the headers
  // say: whoever may send data could send a signed event again, with its data for the event.
  const signature = isStructured(headers['content-type']) ? undefined : given;
  if (mode === 'off' || !keys) {
    return {};
  }
  const { claims, problem } = verifyHeaders(headers, body ?? '', signature, keys);
  // Who keeps everything loses nothing for the sake of its signature. A good one tells for whom the event was, even
  // when its time is over.
  if (unsigned.includes('*')) {
    return claims ? { claims } : {};
  }
  if (signature === undefined && unsigned.includes(event.type)) {
    return {};
  }
  if (problem !== undefined) {
    return { refusal: { reason: 'Unauthenticated', message: problem } };
  }
  const other = otherTenant(event, claims);
  if (other !== undefined) {
    const message = `was made for ${claims.tenant}, but the event is about ${other}`;
    return { refusal: { reason: 'Unauthenticated', message } };
  }
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

/** The tenant that the event is about, where it is not the one that it was signed for. */
function otherTenant(event: ReceivedEvent<unknown>, { tenant }: Claims): string | undefined {
  const byAttributes = identityFromAttributes(event).third_party_id;
  const named = byAttributes ?? tenantSchema.safeParse(event.data).data?.third_party_id;
  return named === undefined || named === tenant ? undefined : named;
}

/** An event that is handed on to another queue of ours, with its own id, is no further hop. */
export function nextClaims(
  claims: Claims | undefined,
  cause: Pick<ReceivedEvent<unknown>, 'id' | 'source'>,
  caused: CloudEvent<unknown>,
): EventClaims {
  const isHandedOn = caused.id === cause.id && caused.source === cause.source;
  return claims ? { tenant: claims.tenant, hops: claims.hops + (isHandedOn ? 0 : 1) } : { hops: 1 };
}
