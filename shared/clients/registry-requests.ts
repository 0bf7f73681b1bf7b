/** Requests to registries: each with its host's limits and repeats, its authorization, and what it may be answered. */
import type { AwsIdentity } from '#shared/settings/aws-identity.ts';
import type { EcrCredentials } from './ecr-credentials.ts';
import { ecrRegistryOf } from './image-registry.ts';
import type { RegistryAddress } from './registry-address.ts';
import { type CredentialsSource, registryAuthorization } from './registry-authorization.ts';
import { credentialsFile } from './registry-credentials.ts';
import { registryError, registryRefusal, registryTrouble } from './registry-failure.ts';
import { type HttpAnswer, type HttpRequest, type RegistryTimeouts, registryHttp } from './registry-http.ts';
import { schemeFinder } from './registry-scheme.ts';
import { createUpstream, type Upstream } from './upstream.ts';

export interface RegistryRequest extends Omit<HttpRequest, 'url'> {
  address: RegistryAddress;
  /** Below the repository: `manifests/latest`. Or the Location that the registry has given. */
  to: string | URL;
  /** A phrase for the error: `reading docker.io/library/node:24`. */
  doing: string;
  /** Of the repository. */
  access: 'pull' | 'pull,push';
  /** Another repository of the same registry, which is read from. */
  from?: RegistryAddress;
  /** Any other status is thrown as an error. */
  expects: number[];
  /** False where it could be done twice. */
  isRepeatable?: boolean;
}

export interface RegistryRequests {
  /** Throws RetryableError('Unavailable' | 'Throttled') or PermanentError('Forbidden' | 'Refused'). */
  ask(request: RegistryRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface RegistryAccess {
  /** A docker config.json. It may be missing, and may change. */
  credentialsFile?: string | undefined;
  /** For registries of ECR that the file has no credentials for. */
  aws?: AwsIdentity | undefined;
  /** Of ECR's own API, where that is not AWS. */
  ecrEndpoint?: string | undefined;
  timeouts?: RegistryTimeouts | undefined;
}

/** An image is put together by some ten requests, many images at once. */
const LIMITS = { atOnce: 64, perSecond: 1000, burst: 2000 };
/** Without a header, with one that is old, with a new one. */
const MOST_TURNS = 3;

export function registryRequests(access: RegistryAccess): RegistryRequests {
  const http = registryHttp(access.timeouts);
  const schemeOf = schemeFinder(http);
  const credentials = credentialsSource(access);
  /** By origin: that one registry is down says nothing about another. */
  const upstreams = new Map<string, Upstream>();

  function upstreamOf({ origin }: URL): Upstream {
    const look = `See whether it answers: curl -i ${origin}/v2/`;
    const upstream = upstreams.get(origin) ?? createUpstream('Registry', LIMITS, look);
    upstreams.set(origin, upstream);
    return upstream;
  }

  async function send(request: HttpRequest, doing: string, isRepeatable: boolean): Promise<HttpAnswer> {
    try {
      return await upstreamOf(request.url).call({
        send: () => http.exchange(request),
        troubleOf: registryTrouble,
        isRepeatable,
      });
    } catch (error) {
      throw registryError(error, doing);
    }
  }

  const authorization = registryAuthorization(credentials, async (request, address) => {
    const doing = `asking ${request.url.host} for a token for ${address.name}`;
    const answer = await send(request, doing, true);
    if (answer.status !== 200) {
      throw registryRefusal(answer, doing, address);
    }
    return answer;
  });

  return {
    async ask(request) {
      const { address, doing, expects, access, from, isRepeatable = true } = request;
      const origin = `${await schemeOf(address)}://${address.server}`;
      const url = urlOf(request, origin);
      const scopes = [`repository:${address.path}:${access}`, ...(from ? [`repository:${from.path}:pull`] : [])];
      const authorized = { address, origin, scopes };
      for (let turn = 1; ; turn++) {
        // A Location may be on another host, which did not ask for our credentials.
        const sent = url.origin === new URL(origin).origin ? await authorization.header(authorized) : undefined;
        const headers = { ...request.headers, ...(sent ? { authorization: sent } : {}) };
        const answer = await send({ ...request, url, headers }, doing, isRepeatable);
        const isUnauthorized = answer.status === 401 || isExpired(answer);
        if (isUnauthorized && turn < MOST_TURNS && (await authorization.isNew(authorized, answer, sent))) {
          continue;
        }
        if (!expects.includes(answer.status)) {
          throw registryRefusal(answer, doing, address);
        }
        return answer;
      }
    },
    close() {
      http.close();
    },
  };
}

function urlOf({ address, to }: RegistryRequest, origin: string): URL {
  const url = typeof to === 'string' ? new URL(`${origin}/v2/${address.path}/${to}`) : new URL(to);
  if (address.namespace !== undefined && !url.searchParams.has('ns')) {
    url.search += `${url.search ? '&' : '?'}ns=${encodeURIComponent(address.namespace)}`;
  }
  return url;
}

/** ECR says so with 403. */
function isExpired({ status, body }: HttpAnswer): boolean {
  return status === 403 && body.includes('authorization token has expired');
}

/** One server that answers for all registries gets its own credentials, never theirs. */
function credentialsSource({ credentialsFile: path, aws, ecrEndpoint }: RegistryAccess): CredentialsSource {
  const file = path === undefined ? undefined : credentialsFile(path);
  /** By region. */
  const ecr = new Map<string, Promise<EcrCredentials>>();

  async function ofEcr(region: string, identity: AwsIdentity) {
    const known =
      ecr.get(region) ??
      import('./ecr-credentials.ts').then(({ ecrCredentials }) => ecrCredentials(identity, region, ecrEndpoint));
    ecr.set(region, known);
    return await (await known).read();
  }

  return {
    async of(address) {
      const asked = address.namespace === undefined ? address : { ...address, host: address.server };
      const kept = await file?.of(asked);
      const registry = ecrRegistryOf(asked.host);
      return kept ?? (aws && registry ? await ofEcr(registry.region, aws) : undefined);
    },
    forget() {
      file?.forget();
      for (const known of ecr.values()) {
        known.then((credentials) => credentials.forget()).catch(() => undefined);
      }
    },
  };
}
