/** What is deployed, as the cluster itself tells it. */
import { ApiException, type CoreV1Api, type KubernetesObject, type KubernetesObjectApi } from '@kubernetes/client-node';
import { KEYS_SECRET } from '#shared/runtime/signing.ts';
import type { PlatformUnderTest } from '#test/contract/platform.ts';

export interface Deployment {
  namespace: string;
  /** Of the builder: it has Node. */
  image: string;
  /** host:port */
  broker: string;
  config: Record<string, string>;
  credentials: PlatformUnderTest['s3']['credentials'];
  /** Where events must be signed. */
  eventKey: string | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: every kind has its own shape.
type AnyObject = KubernetesObject & { spec?: any; status?: any };

export async function findDeployment(
  { core, objects }: { core: CoreV1Api; objects: KubernetesObjectApi },
  namespace: string,
): Promise<Deployment> {
  const read = async (apiVersion: string, kind: string, name: string): Promise<AnyObject> =>
    found(`${kind} ${name}`, namespace, objects.read({ apiVersion, kind, metadata: { name, namespace } }));
  const { data: config = {} } = await found(
    'ConfigMap knative-lambda-config',
    namespace,
    core.readNamespacedConfigMap({ name: 'knative-lambda-config', namespace }),
  );
  const [broker, builder] = await Promise.all([
    read('eventing.knative.dev/v1', 'Broker', 'default'),
    read('serving.knative.dev/v1', 'Service', 'build-start'),
  ]);
  const address = new URL(broker.status?.address?.url ?? 'http://not.ready');
  return {
    namespace,
    image: builder.spec.template.spec.containers[0].image,
    broker: `${address.hostname}:${address.port || 80}`,
    config,
    credentials: await credentials(core, namespace),
    eventKey: config['AUTHENTICATION'] === 'required' ? await eventKey(core, namespace) : undefined,
  };
}

async function eventKey(core: CoreV1Api, namespace: string): Promise<string> {
  const { data } = await core.readNamespacedSecret({ name: KEYS_SECRET, namespace });
  return Buffer.from(data?.['EVENT_KEY'] ?? '', 'base64').toString();
}

/** Undefined where pods have an identity of their own, and we perhaps another. */
async function credentials(core: CoreV1Api, namespace: string): Promise<Deployment['credentials']> {
  const secret = await core.readNamespacedSecret({ name: 'knative-lambda-s3', namespace }).catch((error: unknown) => {
    if (error instanceof ApiException && error.code === 404) {
      return undefined;
    }
    throw error;
  });
  const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
  const accessKeyId = text('AWS_ACCESS_KEY_ID');
  return accessKeyId ? { accessKeyId, secretAccessKey: text('AWS_SECRET_ACCESS_KEY') } : undefined;
}

async function found<T>(what: string, namespace: string, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    if (error instanceof ApiException && error.code === 404) {
      throw new Error(`there is no ${what} in namespace ${namespace}: \`make deploy\` with the same ENV first`);
    }
    throw error;
  });
}
