/** Checks bearer tokens: JWTs of this cluster or of an issuer that is configured. Issuers' keys are cached. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { AUDIENCE, type Issuer } from '#shared/clients/principals.ts';
import { HOUR, MINUTE, SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';

export type VerifiedToken =
  /** `isOfCluster`: it is a ServiceAccount's. */
  { claims: JWTPayload; isOfCluster: boolean } | { problem: string };

/** Throws RetryableError where the issuer's keys cannot be had. */
export type VerifyToken = (token: string, issuers: readonly Issuer[]) => Promise<VerifiedToken>;

/** Who signs the tokens of ServiceAccounts, and with which keys. */
export interface ClusterIssuer {
  issuer(): Promise<string>;
  keys(): Promise<JSONWebKeySet>;
}

/** Not `none`, and nothing symmetric: whoever checks such a token could make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** After a token with an unknown key, others are not asked for again before. */
const COOLDOWN = MINUTE / 2;

export function createVerifyToken(cluster: ClusterIssuer): VerifyToken {
  const remote = new Map<string, Promise<JWTVerifyGetKey>>();
  const clusterKeys = cachedKeys(cluster);
  return async (token, issuers) => {
    const named = issuerOf(token);
    const known = issuers.find(({ issuer }) => issuer === named);
    if (named === undefined || !(known || named === (await clusterKeys.issuer()))) {
      return { problem: 'the token is of no issuer that is known here: ask the operator which one to use' };
    }
    try {
      const { payload } = await jwtVerify(token, known ? await keysOf(known) : clusterKeys.find, {
        issuer: named,
        audience: known?.audience ?? AUDIENCE,
        algorithms: ALGORITHMS,
        clockTolerance: 30,
        requiredClaims: ['exp', 'sub'],
      });
      return { claims: payload, isOfCluster: !known };
    } catch (error) {
      if (isAboutTheToken(error)) {
        return { problem: `the token does not count: ${error.message}` };
      }
      const message = `the keys of ${named} cannot be had, so no token of it can be checked`;
      throw new RetryableError('Unavailable', message, { cause: error });
    }
  };

  function keysOf(issuer: Issuer): Promise<JWTVerifyGetKey> {
    const where = JSON.stringify([issuer.issuer, issuer.jwks_uri]);
    const keys = remote.get(where) ?? remoteKeys(issuer);
    remote.set(where, keys);
    // What failed is tried anew with the next token.
    keys.catch(() => remote.delete(where));
    return keys;
  }
}

function isAboutTheToken(error: unknown): error is Error {
  return (
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC'
  );
}

/** Read without trust, to know whose keys to check it by. */
function issuerOf(token: string): string | undefined {
  try {
    const { iss } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

/** The cluster's keys: asked for once an hour, and when a token names a key that is not among them. */
function cachedKeys(cluster: ClusterIssuer): { issuer: () => Promise<string | undefined>; find: JWTVerifyGetKey } {
  let issuer: Promise<string> | undefined;
  let keys: { at: number; set: Promise<JWTVerifyGetKey> } | undefined;
  const refresh = () => {
    const set = cluster.keys().then(createLocalJWKSet);
    const asked = { at: Date.now(), set };
    keys = asked;
    set.catch(() => {
      keys = keys === asked ? undefined : keys;
    });
    return asked;
  };
  return {
    // Not every cluster shows it. Then its accounts' tokens are of no known issuer.
    issuer: async () => {
      issuer ??= cluster.issuer();
      return await issuer.catch(() => {
        issuer = undefined;
        return undefined;
      });
    },
    find: async (header, token) => {
      const known = keys && Date.now() - keys.at < HOUR ? keys : refresh();
      try {
        return await (await known.set)(header, token);
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey && Date.now() - known.at > COOLDOWN) {
          return await (await refresh().set)(header, token);
        }
        throw error;
      }
    },
  };
}

async function remoteKeys({ issuer, jwks_uri }: Issuer): Promise<JWTVerifyGetKey> {
  return createRemoteJWKSet(new URL(jwks_uri ?? (await discovered(issuer))), {
    cacheMaxAge: HOUR,
    cooldownDuration: COOLDOWN,
    timeoutDuration: 5 * SECOND,
  });
}

async function discovered(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(5 * SECOND),
  });
  const { jwks_uri } = (await response.json()) as { jwks_uri?: unknown };
  if (typeof jwks_uri !== 'string') {
    throw new Error(`${issuer} has no jwks_uri in its OpenID configuration`);
  }
  return jwks_uri;
}
