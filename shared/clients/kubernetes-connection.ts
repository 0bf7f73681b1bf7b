/** The connection to the Kubernetes API: one connection pool, limits and time-outs, a User-Agent. */
import {
  type Configuration,
  createConfiguration,
  KubeConfig,
  type RequestContext,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { SECOND } from '#shared/durations.ts';
import { kubernetesHttp } from './kubernetes-upstream.ts';

export interface KubernetesConnection {
  configuration: Configuration;
  /** Its address. */
  server: string;
  close(): Promise<void>;
}

type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

/** KUBECONFIG, else ~/.kube/config, else the pod's service account. */
export function connectKubernetes({
  kubeConfig = defaultConfig(),
  timeout = 10 * SECOND,
}: {
  kubeConfig?: KubeConfig;
  timeout?: number;
} = {}): KubernetesConnection {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) {
    throw new Error('no Kubernetes cluster: set KUBECONFIG, or run in a pod with a service account token');
  }
  // The client creates a dispatcher for each request, so each would open a connection of its own
  // (kubernetes-client/javascript#2893). The first one has the cluster's certificates and proxy, so all requests use
  // it.
  let shared: Dispatcher | undefined;
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    httpApi: kubernetesHttp(timeout),
    promiseMiddleware: [
      {
        pre: async (request) => {
          shared ??= request.getDispatcher();
          if (shared) {
            request.setDispatcher(shared);
          }
          request.setHeaderParam('User-Agent', 'knative-lambda');
          return request;
        },
        post: async (response) => response,
      },
    ],
  });
  return {
    configuration,
    server: cluster.server,
    async close() {
      await shared?.close();
    },
  };
}

function defaultConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}
