/**
 * The signature of an event: an HMAC that only holders of the key can make. It says for which tenant the event was
 * taken, over how many functions it has come, and until when it counts.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The extension that carries it. */
export const SIGNATURE = 'kauth';

/** The tenant of events that belong to none, and of what operators send. */
export const NO_TENANT = '*';

export interface SigningKey {
  /** 1–32 of `[A-Za-z0-9_-]`. */
  id: string;
  /** At least 32 bytes. */
  secret: Buffer;
}

/** While keys are changed, events are under way that another one has signed. */
export interface SigningKeys {
  current: SigningKey;
  other?: SigningKey | undefined;
}

export interface Claims {
  /** third_party_id, or NO_TENANT. */
  tenant: string;
  /** Functions that have handled the chain so far; 0 where it came in. */
  hops: number;
  /** Seconds since the epoch. */
  expires: number;
}

/** For whom an event is signed: missing parts as its own subject says, and as one that begins a chain. */
export type EventClaims = Partial<Pick<Claims, 'tenant' | 'hops'>>;

/** What is signed. Of data the bytes, as they are sent. */
export interface SignedParts {
  type: string;
  source: string;
  id: string;
  subject: string;
  data: Uint8Array;
}

/** `keyid.tenant.hops.expires.mac`: no part has a dot. */
const FORM = /^([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{1,100}|\*)\.(\d{1,3})\.(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

export function sign(parts: SignedParts, claims: Claims, key: SigningKey): string {
  const { tenant, hops, expires } = claims;
  return [key.id, tenant, hops, expires, macOf(parts, claims, key).toString('base64url')].join('.');
}

/** Claims with a problem are true, but no longer count: their time is over. */
export type Verified = { claims: Claims; problem?: never } | { claims?: Claims; problem: string };

/** The claims, or why they do not count. `now` in seconds since the epoch. */
export function verify(parts: SignedParts, signature: string | undefined, keys: SigningKeys, now: number): Verified {
  if (signature === undefined) {
    return { problem: 'is missing: send events to the gateway, which signs them' };
  }
  const [, id, tenant = '', hops, expires, mac = ''] = FORM.exec(signature) ?? [];
  const key = [keys.current, keys.other].find((known) => known?.id === id);
  if (id === undefined || !key) {
    return { problem: 'is not one of ours: send events to the gateway, which signs them' };
  }
  const claims: Claims = { tenant, hops: Number(hops), expires: Number(expires) };
  if (!timingSafeEqual(macOf(parts, claims, key), Buffer.from(mac, 'base64url'))) {
    return { problem: 'belongs to another event: type, source, id, subject or data were changed on the way' };
  }
  return claims.expires < now
    ? { claims, problem: `counted until ${new Date(claims.expires * 1000).toISOString()}: send the event again` }
    : { claims };
}

/** Each part has its length before it, so that no two lists of parts give the same bytes. */
function macOf({ type, source, id, subject, data }: SignedParts, claims: Claims, key: SigningKey): Buffer {
  const mac = createHmac('sha256', key.secret);
  const digest = createHash('sha256').update(data).digest('hex');
  for (const part of [
    key.id,
    claims.tenant,
    String(claims.hops),
    String(claims.expires),
    type,
    source,
    id,
    subject,
    digest,
  ]) {
    mac.update(`${Buffer.byteLength(part)}:${part}`);
  }
  return mac.digest();
}

/** `id:secret`, the secret in base64. Undefined where it is none. */
export function parseSigningKey(text: string): SigningKey | undefined {
  const [, id, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43,}={0,2})$/.exec(text) ?? [];
  return id === undefined || encoded === undefined ? undefined : { id, secret: Buffer.from(encoded, 'base64') };
}
