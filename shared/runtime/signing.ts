/** Signs what we send, and checks what we receive: over the headers and bytes of binary mode. */
import { identityFromAttributes, idSchema } from '#shared/events/identity.ts';
import {
  type EventClaims,
  NO_TENANT,
  parseSigningKey,
  SIGNATURE,
  type SignedParts,
  type SigningKeys,
  sign,
  type Verified,
  verify,
} from '#shared/events/signature.ts';
import { decodeHeaderValue } from './header-value.ts';

export type Authentication = 'off' | 'warn' | 'required';

/** The Secret with both, which the builder's functions alone have in their environment. */
export const KEYS_SECRET = 'knative-lambda-keys';

export interface KeySettings {
  EVENT_KEY?: string | undefined;
  EVENT_KEY_OTHER?: string | undefined;
}

/** Seconds. Longer than an event waits in queues and for a build's slot; a replay is signed anew. */
const VALID = 24 * 3600;

const HEADER = `ce-${SIGNATURE}`;

/** Undefined where there is no key: then nothing is signed. */
export function signingKeys({ EVENT_KEY, EVENT_KEY_OTHER }: KeySettings): SigningKeys | undefined {
  const current = parseSigningKey(EVENT_KEY ?? '');
  return current && { current, other: parseSigningKey(EVENT_KEY_OTHER ?? '') };
}

/** Adds the signature to the headers of an event in binary mode. Without `claims`: as its own subject says. */
export function signHeaders(
  headers: Record<string, string>,
  body: string | Uint8Array,
  keys: SigningKeys,
  claims: EventClaims = {},
): void {
  const parts = partsOf(headers, body);
  const { tenant = tenantOf(parts), hops = 0 } = claims;
  const expires = Math.floor(Date.now() / 1000) + VALID;
  headers[HEADER] = sign(parts, { tenant, hops, expires }, keys.current);
}

export function verifyHeaders(
  headers: Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  signature: string | undefined,
  keys: SigningKeys,
): Verified {
  return verify(partsOf(headers, body), signature, keys, Math.floor(Date.now() / 1000));
}

/** Nobody behind the runtime needs it: whoever sees it could send the event once more. */
export function takeSignature(headers: Record<string, unknown>): string | undefined {
  const signature = headers[HEADER];
  delete headers[HEADER];
  return typeof signature === 'string' ? signature : undefined;
}

function partsOf(headers: Record<string, string | string[] | undefined>, body: string | Uint8Array): SignedParts {
  const attribute = (name: string) => decodeHeaderValue(String(headers[`ce-${name}`] ?? ''));
  return {
    type: attribute('type'),
    source: attribute('source'),
    id: attribute('id'),
    subject: attribute('subject'),
    data: typeof body === 'string' ? Buffer.from(body) : body,
  };
}

function tenantOf({ source, subject }: SignedParts): string {
  return idSchema.safeParse(identityFromAttributes({ source, subject }).third_party_id).data ?? NO_TENANT;
}
