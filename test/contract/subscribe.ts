/** Makes a Trigger and waits until the Broker delivers by it. */
import type { KubernetesObjectApi, V1OwnerReference } from '@kubernetes/client-node';
import { waitUntil } from './wait-until.ts';

export interface Subscription {
  name: string;
  namespace: string;
  /** Of the subscriber. */
  uri: string;
  /** Exact; none means every event. */
  attributes?: Record<string, string>;
  owner?: V1OwnerReference;
  /** False: what the subscriber does not take is gone. Once nobody is there, the Broker must not try and keep each. */
  retries?: boolean;
}

export async function subscribe(
  kubernetes: KubernetesObjectApi,
  { name, namespace, uri, attributes = {}, owner, retries = true }: Subscription,
  seconds = 60,
): Promise<void> {
  const dispatcher = { 'cpu-request': '10m', 'memory-request': '32Mi', 'cpu-limit': '1', 'memory-limit': '256Mi' };
  await kubernetes.create({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: {
      name,
      namespace,
      annotations: {
        'rabbitmq.eventing.knative.dev/parallelism': '20',
        ...Object.fromEntries(
          Object.entries(dispatcher).map(([key, value]) => [`rabbitmq.eventing.knative.dev/${key}`, value]),
        ),
      },
      ...(owner ? { ownerReferences: [owner] } : {}),
    },
    spec: {
      broker: 'default',
      ...(Object.keys(attributes).length > 0 ? { filter: { attributes } } : {}),
      subscriber: { uri },
      ...(retries ? {} : { delivery: { retry: 0 } }),
    },
  } as never);
  await waitUntil(
    `Trigger ${name} to be Ready`,
    async () => {
      const { status } = (await kubernetes.read({
        apiVersion: 'eventing.knative.dev/v1',
        kind: 'Trigger',
        metadata: { name, namespace },
      })) as { status?: { conditions?: { type: string; status: string }[] } };
      return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    },
    { seconds, every: 200 },
  );
}
