/** Where the requests for an image's repository go. */
import { isIPv4 } from 'node:net';
import { bounded } from '#shared/bounded-text.ts';
import { PermanentError } from '#shared/events/errors.ts';

export interface RegistryAddress {
  /** As in an image's full name: `docker.io/library/node`. */
  name: string;
  /** The registry as its images name it: `docker.io`, `localhost:5000`. */
  host: string;
  /** The repository within the registry: `library/node`. */
  path: string;
  /** `host[:port]` that answers. */
  server: string;
  /** Undefined where only asking tells: see registry-scheme.ts. */
  scheme: 'http' | 'https' | undefined;
  /** Which registry is meant, where one server answers for all of them: containerd's `?ns=`. */
  namespace: string | undefined;
}

const DOCKER_HUB = 'docker.io';
/** All of Docker Hub's names mean the same; only the last of them answers. */
const DOCKER_HUB_HOSTS = new Set([DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io']);
const DOCKER_HUB_SERVER = 'registry-1.docker.io';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const HOST = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;
const LONGEST = 255;

/** `endpoint` answers for every registry. Throws PermanentError('Refused') where the name is none. */
export function registryAddress(repository: string, endpoint?: string): RegistryAddress {
  const { host, path } = split(repository.slice(0, LONGEST + 1));
  if (repository.length > LONGEST || !HOST.test(host) || !PATH.test(path)) {
    const message = `${JSON.stringify(bounded(repository))} is no name of an image's repository: it has to be host[:port]/path, the path in lower case, without a tag`;
    throw new PermanentError('Refused', message);
  }
  const name = `${host}/${path}`;
  if (endpoint !== undefined) {
    const { protocol, host: server } = new URL(endpoint);
    return { name, host, path, server, scheme: protocol === 'http:' ? 'http' : 'https', namespace: host };
  }
  const server = host === DOCKER_HUB ? DOCKER_HUB_SERVER : host;
  return { name, host, path, server, scheme: isNearby(host) ? undefined : 'https', namespace: undefined };
}

/** Docker Hub's own host for each of its names. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return DOCKER_HUB_HOSTS.has(lower) ? DOCKER_HUB : lower;
}

/** As docker reads it: what has no dot, no colon and is not localhost is no host, but a repository of Docker Hub. */
function split(repository: string): { host: string; path: string } {
  const slash = repository.indexOf('/');
  const first = repository.slice(0, Math.max(slash, 0));
  const hasHost = /[.:A-Z]/.test(first) || first === 'localhost';
  const host = hasHost ? canonicalHost(first) : DOCKER_HUB;
  const path = hasHost ? repository.slice(slash + 1) : repository;
  return { host, path: host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path };
}

/** Hosts that may speak plain HTTP, the same as for Kaniko: this machine, and private networks by address or name. */
function isNearby(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return /(?:^|\.)local(?:host)?$/.test(name) || name === '[::1]' || isPrivate(name);
}

function isPrivate(address: string): boolean {
  if (!isIPv4(address)) {
    return false;
  }
  const [a = 0, b = 0] = address.split('.').map(Number);
  return a === 127 || a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
}
