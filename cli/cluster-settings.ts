/** Reads the settings of a cluster's functions, as far as the user may read them. */
import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { connectKubernetes } from '#shared/clients/kubernetes-connection.ts';
import { KEYS_SECRET } from '#shared/runtime/signing.ts';
import { S3_SECRET } from '#shared/specs/build-pod/settings.ts';

const CONFIG = 'knative-lambda-config';

export type Settings = Record<string, string | undefined>;

/** Throws an Error that says what to do. Where the Secret may not be read, the keys are left to the environment. */
export async function clusterSettings(kubeconfig: string, namespace: string | undefined): Promise<Settings> {
  const config = load(kubeconfig);
  const place = namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  const { configuration, close } = connectKubernetes({ kubeConfig: config });
  const api = new CoreV1Api(configuration);
  try {
    const map = await api.readNamespacedConfigMap({ name: CONFIG, namespace: place }).catch((error: unknown) => {
      throw new Error(whyUnread(error, kubeconfig, place), { cause: error });
    });
    const secrets = await Promise.all(
      [S3_SECRET, KEYS_SECRET].map((name) =>
        api.readNamespacedSecret({ name, namespace: place }).catch(() => undefined),
      ),
    );
    return Object.assign({ ...map.data }, ...secrets.map((secret) => decoded(secret?.data ?? {})));
  } finally {
    await close();
  }
}

function load(kubeconfig: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${kubeconfig} is no kubeconfig that can be read: ${why}. Say another one: --kubeconfig FILE`, {
      cause: error,
    });
  }
  return config;
}

function decoded(data: Record<string, string>): Settings {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]),
  );
}

function whyUnread(error: unknown, kubeconfig: string, namespace: string): string {
  const what = `ConfigMap ${CONFIG} in namespace ${namespace}`;
  if (!(error instanceof ApiException)) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `the cluster of ${kubeconfig} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  return error.code === 404
    ? `there is no ${what}: say which namespace the functions are in, --namespace knative-lambda-dev`
    : `${what} cannot be read (${error.code}): ask for that right, or set TEMPORARY_BUCKET, AWS_REGION, S3_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and BROKER_URL yourself`;
}
