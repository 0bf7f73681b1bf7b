/**
 * Which platform is meant: the one that is named, that of a kubeconfig, that of the last login, or the one of `make
 * run` on this machine, for which nothing has to be configured.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Connection } from './client.ts';
import { readCredentials } from './credentials.ts';
import { type Failure, wrongUse } from './failure.ts';
import { forwardTo, isResolvable } from './forward.ts';
import { type Cluster, type ClusterOptions, findCluster } from './kubectl.ts';

const LAPTOP = 'http://127.0.0.1:8080';

export interface ConnectionOptions extends ClusterOptions {
  server?: string | undefined;
  token?: string | undefined;
}

export interface Place {
  cwd: string;
  environment: NodeJS.ProcessEnv;
}

export async function findConnection(
  options: ConnectionOptions,
  place: Place,
  clusterOf = findCluster,
): Promise<Connection> {
  const found = await connect(options, place, clusterOf);
  const { kubeconfig, context, namespace, serviceAccount } = options;
  const laptopKubeconfig = found.origin === 'laptop' ? laptopFile(place.cwd) : undefined;
  return { ...found, given: { kubeconfig, context, namespace, serviceAccount, laptopKubeconfig } };
}

async function connect(
  options: ConnectionOptions,
  { cwd, environment }: Place,
  clusterOf: typeof findCluster,
): Promise<Connection> {
  const token = options.token ?? environment['KN_LAMBDA_TOKEN'];
  const named = options.server ?? environment['KN_LAMBDA_SERVER'];
  if (named === 'laptop') {
    return { server: laptop(cwd), origin: 'laptop', token: async () => token };
  }
  if (named !== undefined && named !== '') {
    const server = checkedAddress(named);
    return { server, origin: 'given', token: async () => token ?? storedToken(server, environment) };
  }
  const cluster = clusterOptions(options, environment);
  const isNamed = [options.kubeconfig, options.context, options.namespace].some((value) => value !== undefined);
  const { current } = isNamed ? { current: undefined } : readCredentials(environment);
  if (current !== undefined) {
    return { server: current, origin: 'login', token: async () => token ?? storedToken(current, environment) };
  }
  if (isNamed || cluster.kubeconfig !== undefined) {
    const ofLaptop = portsBeside(cluster.kubeconfig);
    if (ofLaptop !== undefined) {
      return { server: ofLaptop, origin: 'laptop', token: async () => token };
    }
    const found = await clusterOf(cluster);
    const way = await wayTo(found, cluster);
    return { ...way, origin: 'cluster', token: async () => token ?? (await found.token()) };
  }
  return { server: laptop(cwd), origin: 'laptop', token: async () => token };
}

/** Many clusters have names for their Services that only they themselves can resolve. */
async function wayTo(
  { gateway, namespace, revision }: Cluster,
  options: ClusterOptions,
): Promise<Pick<Connection, 'server' | 'headers'>> {
  const forward =
    revision === undefined || (await isResolvable(gateway))
      ? undefined
      : await forwardTo({ namespace, revision }, options);
  return forward ?? { server: gateway };
}

function clusterOptions(options: ConnectionOptions, environment: NodeJS.ProcessEnv): ClusterOptions {
  const { kubeconfig = environment['KUBECONFIG'] || undefined, context, namespace, serviceAccount } = options;
  return { kubeconfig, context, namespace, serviceAccount };
}

export function checkedAddress(server: string): string {
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw wrongUse(
      `${JSON.stringify(server)} is no address of a server`,
      'Write it so: --server https://gateway.example.com',
    );
  }
  const url = new URL(server);
  if (url.username || url.password) {
    throw wrongUse('the address of a server must hold no password', 'Give the token by --token or KN_LAMBDA_TOKEN.');
  }
  return url.href.replace(/\/+$/, '');
}

/** It goes to the very server that it was given for, and to no other. */
function storedToken(server: string, environment: NodeJS.ProcessEnv): string | undefined {
  return readCredentials(environment).servers[server]?.token;
}

/** By which kubectl reaches what runs there. */
function laptopFile(cwd: string): string | undefined {
  return laptopFiles(cwd).find((file) => existsSync(file));
}

/** Where `make run` may have written its kubeconfig: in the folder of the project, seen from below or from here. */
function laptopFiles(cwd: string): string[] {
  return [...upwards(cwd), ...upwards(import.meta.dirname)].map((folder) => join(folder, '.local', 'kubeconfig'));
}

/** The address of `make run`: its ports stand beside its kubeconfig. */
function laptop(cwd: string): string {
  for (const file of laptopFiles(cwd)) {
    const address = portsBeside(file);
    if (address !== undefined) {
      return address;
    }
  }
  return LAPTOP;
}

function* upwards(from: string): Generator<string> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) {
      return;
    }
  }
}

/** The embedded platform writes its ports beside its kubeconfig. */
function portsBeside(kubeconfig: string | undefined): string | undefined {
  if (kubeconfig === undefined || kubeconfig.includes(':')) {
    return undefined;
  }
  try {
    const file = join(realpathSync(dirname(kubeconfig)), 'ports.json');
    const { BROKER_PORT } = JSON.parse(readFileSync(file, 'utf8')) as { BROKER_PORT?: unknown };
    return Number.isInteger(BROKER_PORT) ? `http://127.0.0.1:${BROKER_PORT}` : undefined;
  } catch {
    return undefined;
  }
}

export function unknownTenant(ids: readonly string[]): Failure {
  return ids.length === 0
    ? wrongUse('which tenant?', 'Say whose function it is: --tenant acme, or acme/NAME in place of NAME.')
    : wrongUse(`which tenant? You speak for ${ids.join(', ')}`, `Say one: --tenant ${ids[0]}`);
}
