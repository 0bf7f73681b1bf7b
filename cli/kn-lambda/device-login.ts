/** A token of an OpenID Connect issuer by its device code (RFC 8628): the person confirms it in any browser. */
import * as z from 'zod';
import { pause } from './client.ts';
import { Failure } from './failure.ts';

const configurationSchema = z.object({ device_authorization_endpoint: z.url().optional(), token_endpoint: z.url() });
const deviceSchema = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  verification_uri_complete: z.string().optional(),
  expires_in: z.number().default(600),
  interval: z.number().default(5),
});
const tokenSchema = z.object({
  id_token: z.string().optional(),
  access_token: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
});

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export interface DeviceLogin {
  issuer: string;
  clientId: string;
  scope: string;
}

/** `ask` shows the person where to go, and what to type there. */
export async function deviceLogin(
  { issuer, clientId, scope }: DeviceLogin,
  ask: (to: { url: string; code: string }) => void,
  signal: AbortSignal,
): Promise<string> {
  const address = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const endpoints = await answer(address, { signal }, configurationSchema, issuer);
  if (endpoints.device_authorization_endpoint === undefined) {
    throw new Failure(`${issuer} has no login by device code (device_authorization_endpoint)`, {
      next: 'Get a token from it in its own way, and give that: kn-lambda login --token -',
    });
  }
  const form = (fields: Record<string, string>): RequestInit => ({
    method: 'POST',
    body: new URLSearchParams(fields),
    signal,
  });
  const device = await answer(
    endpoints.device_authorization_endpoint,
    form({ client_id: clientId, scope }),
    deviceSchema,
    issuer,
  );
  ask({ url: device.verification_uri_complete ?? device.verification_uri, code: device.user_code });
  const until = Date.now() + device.expires_in * 1000;
  for (let seconds = device.interval; Date.now() < until; ) {
    await pause(seconds * 1000, signal);
    const fields = { grant_type: GRANT, device_code: device.device_code, client_id: clientId };
    const given = await answer(endpoints.token_endpoint, form(fields), tokenSchema, issuer, [400, 401]);
    // The gateway checks who signed it and for whom it is: that is what an id_token tells.
    const token = given.id_token ?? given.access_token;
    if (token !== undefined) {
      return token;
    }
    if (given.error === 'slow_down') {
      seconds += 5;
    } else if (given.error !== 'authorization_pending') {
      throw new Failure(`${issuer} gave no token: ${given.error_description ?? given.error ?? 'it says no more'}`, {
        next: 'Log in again: kn-lambda login.',
      });
    }
  }
  throw new Failure('nobody has confirmed the login in time', { next: 'Log in again: kn-lambda login.' });
}

async function answer<T>(
  url: string,
  init: RequestInit,
  schema: z.ZodType<T>,
  issuer: string,
  also: number[] = [],
): Promise<T> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Failure(`${issuer} cannot be reached`, { next: 'Check the address: --issuer URL.', cause });
  });
  const value: unknown = await response.json().catch(() => undefined);
  const result = schema.safeParse(value);
  if ((!response.ok && !also.includes(response.status)) || !result.success) {
    throw new Failure(`${url} does not answer as an OpenID Connect issuer does (HTTP ${response.status})`, {
      next: 'Check the address and the client: --issuer URL --client-id ID.',
    });
  }
  return result.data;
}
