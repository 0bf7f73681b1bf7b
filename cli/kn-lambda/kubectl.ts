/**
 * A cluster by a kubeconfig, with the help of kubectl: it knows every way in which a kubeconfig logs in (certificates,
 * plugins of clouds, proxies).
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Failure } from './failure.ts';

const AUDIENCE = 'knative-lambda';
const LONGEST_MS = 20_000;

export interface ClusterOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  namespace?: string | undefined;
  /** `name`, or `namespace/name`: whose token to ask for. */
  serviceAccount?: string | undefined;
}

export interface Cluster {
  namespace: string;
  gateway: string;
  /** Of the gateway, that is ready. */
  revision: string | undefined;
  /** Undefined where the kubeconfig's own user is no ServiceAccount, or may not ask for a token. */
  token: () => Promise<string | undefined>;
}

export type Kubectl = (args: string[]) => Promise<string>;

export async function findCluster(options: ClusterOptions, kubectl = kubectlOf(options)): Promise<Cluster> {
  const namespace = options.namespace ?? (await namespaceOfContext(kubectl));
  const service = await serviceNamed('gateway', namespace, kubectl);
  const { url: gateway, latestReadyRevisionName: revision } = service.status ?? {};
  if (gateway === undefined) {
    throw new Failure(`the gateway of namespace ${namespace} has no address yet`, {
      next: `See why: kubectl get ksvc gateway -n ${namespace}`,
    });
  }
  return { namespace, gateway, revision, token: () => tokenOf(options.serviceAccount, namespace, kubectl) };
}

export function kubectlFlags({ kubeconfig, context }: ClusterOptions): string[] {
  return [
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--context', context]),
  ];
}

export function kubectlOf(options: ClusterOptions): Kubectl {
  const common = kubectlFlags(options);
  return async (args) => {
    try {
      const { stdout } = await promisify(execFile)('kubectl', [...common, ...args], { timeout: LONGEST_MS });
      return stdout;
    } catch (error) {
      throw told(error);
    }
  };
}

function told(error: unknown): Failure {
  const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: string };
  if (code === 'ENOENT') {
    return new Failure('kubectl is not there, which finds the gateway of a cluster', {
      next: 'Install it, or name the gateway yourself: --server URL --token TOKEN.',
    });
  }
  const why = killed ? `no answer within ${LONGEST_MS / 1000} s` : (stderr ?? '').trim().split('\n').at(-1);
  return new Failure(`kubectl could not ask the cluster: ${why}`, {
    next: 'Check KUBECONFIG and --context, or name the gateway yourself: --server URL --token TOKEN.',
    cause: error,
  });
}

async function namespaceOfContext(kubectl: Kubectl): Promise<string> {
  const namespace = await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={..namespace}']);
  return namespace.trim() || 'default';
}

interface GatewayService {
  status?: { url?: string; latestReadyRevisionName?: string };
}

async function serviceNamed(name: string, namespace: string, kubectl: Kubectl): Promise<GatewayService> {
  const kind = 'services.serving.knative.dev';
  const found = await kubectl(['get', kind, name, '-n', namespace, '--ignore-not-found', '-o', 'json']);
  if (found.trim() === '') {
    throw new Failure(`there is no Service ${name} in namespace ${namespace}`, {
      next: 'Say in which namespace the platform is: --namespace knative-lambda-dev.',
    });
  }
  return JSON.parse(found) as GatewayService;
}

async function tokenOf(account: string | undefined, namespace: string, kubectl: Kubectl): Promise<string | undefined> {
  if (account !== undefined) {
    const [name = '', place = namespace] = account.split('/').reverse();
    return await createToken(name, place, kubectl);
  }
  const own = await kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}']).catch(() => '');
  const [, place, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(own.trim()) ?? [];
  return place === undefined || name === undefined
    ? undefined
    : await createToken(name, place, kubectl).catch(() => undefined);
}

async function createToken(name: string, namespace: string, kubectl: Kubectl): Promise<string> {
  const token = await kubectl(['create', 'token', name, '-n', namespace, '--audience', AUDIENCE, '--duration', '1h']);
  return token.trim();
}
