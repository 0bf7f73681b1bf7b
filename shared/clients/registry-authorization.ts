/**
 * The Authorization of requests to registries: Basic, or a Bearer token from the service that the registry names.
 * https://distribution.github.io/distribution/spec/auth/token/
 */

import * as z from 'zod';
import { SECOND } from '#shared/durations.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { readJson } from '#shared/read-json.ts';
import { remember } from '#shared/remember.ts';
import type { RegistryAddress } from './registry-address.ts';
import type { RegistryCredentials } from './registry-credentials.ts';
import type { HttpAnswer, HttpRequest } from './registry-http.ts';

export interface Authorized {
  address: RegistryAddress;
  /** Of the registry: `https://ghcr.io`. */
  origin: string;
  /** What the request needs: `repository:acme/parser:pull,push`. */
  scopes: string[];
}

export interface CredentialsSource {
  of(address: RegistryAddress): Promise<RegistryCredentials | undefined>;
  forget(): void;
}

export interface RegistryAuthorization {
  /** Undefined until the registry has asked for one, and where there are no credentials for it. */
  header(request: Authorized): Promise<string | undefined>;
  /** After an answer 401 to a request with the header `sent`. False where asking again would change nothing. */
  isNew(request: Authorized, answer: HttpAnswer, sent: string | undefined): Promise<boolean>;
}

interface Challenge {
  scheme: 'basic' | 'bearer';
  realm: string;
  service: string | undefined;
}

interface Token {
  header: Promise<string>;
  until: number;
}

const tokenSchema = z
  .object({ token: z.string(), access_token: z.string(), expires_in: z.number() })
  .partial()
  .transform(({ token, access_token, expires_in }) => ({ token: token || access_token, seconds: expires_in || 60 }));

/** Of a token's lifetime. The rest is for a request that is under way. */
const USABLE = 0.8;
const MOST_TOKENS = 1000;
const CLIENT_ID = 'knative-lambda';

/** `ask` sends a request to a token service, and throws where it is not answered with 200. */
export function registryAuthorization(
  credentials: CredentialsSource,
  ask: (request: HttpRequest, address: RegistryAddress) => Promise<HttpAnswer>,
): RegistryAuthorization {
  /** By origin. */
  const challenges = new Map<string, Challenge>();
  const tokens = new Map<string, Token>();

  async function header(request: Authorized): Promise<string | undefined> {
    const challenge = challenges.get(request.origin);
    if (!challenge) {
      return undefined;
    }
    return challenge.scheme === 'basic'
      ? basic(await credentials.of(request.address))
      : await bearer(challenge, request);
  }

  async function bearer(challenge: Challenge, request: Authorized): Promise<string> {
    const key = keyOf(request);
    const kept = tokens.get(key);
    if (kept && kept.until > Date.now()) {
      return await kept.header;
    }
    const token: Token = { header: Promise.resolve(''), until: Number.POSITIVE_INFINITY };
    token.header = requestToken(challenge, request, token);
    remember(tokens, key, token, MOST_TOKENS);
    try {
      return await token.header;
    } catch (error) {
      tokens.delete(key);
      throw error;
    }
  }

  async function requestToken(challenge: Challenge, { address, origin, scopes }: Authorized, token: Token) {
    const url = serviceUrl(challenge, origin);
    const known = await credentials.of(address);
    const answer = await ask(tokenRequest(url, challenge.service, scopes, known), address);
    const { data } = tokenSchema.safeParse(readJson(answer.body.toString()));
    if (!data?.token) {
      throw new PermanentError('Refused', `${url.host}, which gives the tokens for ${address.host}, gave none`);
    }
    token.until = Date.now() + data.seconds * USABLE * SECOND;
    return `Bearer ${data.token}`;
  }

  /** Unless another request has got a new one meanwhile. */
  async function forgetToken(key: string, sent: string): Promise<void> {
    const kept = tokens.get(key);
    const current = await kept?.header.catch(() => undefined);
    if (current === sent && tokens.get(key) === kept) {
      tokens.delete(key);
    }
  }

  return {
    header,
    async isNew(request, answer, sent) {
      const challenge = challengeOf(answer.headers['www-authenticate']);
      if (challenge) {
        challenges.set(request.origin, challenge);
      }
      if (sent !== undefined) {
        credentials.forget();
        await forgetToken(keyOf(request), sent);
      }
      const next = await header(request);
      return next !== undefined && next !== sent;
    },
  };
}

function keyOf({ origin, scopes }: Authorized): string {
  return [origin, ...scopes].join(' ');
}

/** Bearer where a registry offers both. */
export function challengeOf(header: string | undefined): Challenge | undefined {
  const [, bearer] = /\bBearer\s+(.*)/i.exec(header ?? '') ?? [];
  if (bearer !== undefined) {
    const fields = new Map(
      [...bearer.matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/g)].map(([, name, quoted, bare]) => [
        name,
        quoted ?? bare,
      ]),
    );
    return { scheme: 'bearer', realm: fields.get('realm') ?? '', service: fields.get('service') };
  }
  return /\bBasic\b/i.test(header ?? '') ? { scheme: 'basic', realm: '', service: undefined } : undefined;
}

/** Credentials for a registry with TLS are never sent without it. */
function serviceUrl({ realm }: Challenge, origin: string): URL {
  const url = URL.parse(realm);
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && origin.startsWith('http:'));
  if (!url || !isAllowed) {
    const message = `${origin} asks for tokens from ${url ? url.origin : 'an address that is none'}, which has to be an https address. Correct the registry's settings`;
    throw new PermanentError('Refused', message);
  }
  return url;
}

function tokenRequest(
  url: URL,
  service: string | undefined,
  scopes: string[],
  credentials: RegistryCredentials | undefined,
): HttpRequest {
  if (credentials && 'identityToken' in credentials) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: CLIENT_ID,
      refresh_token: credentials.identityToken,
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url, headers, body: Buffer.from(form.toString()) };
  }
  const asked = new URL(url);
  if (service !== undefined) {
    asked.searchParams.set('service', service);
  }
  for (const scope of scopes) {
    asked.searchParams.append('scope', scope);
  }
  const authorization = basic(credentials);
  return { method: 'GET', url: asked, headers: authorization ? { authorization } : {} };
}

function basic(credentials: RegistryCredentials | undefined): string | undefined {
  return credentials && 'username' in credentials
    ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
    : undefined;
}
