/** What is wrong with a Broker's spec.config, which names the RabbitMQ it is to use. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';

/** There is no RabbitMQ here, but what names none would never be Ready in a cluster. Undefined where all is well. */
export function brokerConfigProblem(broker: KubeObject, storage: ObjectStorage): string | undefined {
  const { namespace } = broker.metadata;
  const config = broker['spec']?.config;
  if (config?.kind !== 'RabbitmqBrokerConfig') {
    return `spec.config must name a RabbitmqBrokerConfig, not ${JSON.stringify(config?.kind)}`;
  }
  const found = storage.get('rabbitmqbrokerconfigs.eventing.knative.dev', config.namespace ?? namespace, config.name);
  if (!found) {
    return `rabbitmqbrokerconfigs.eventing.knative.dev ${JSON.stringify(config.name)} not found`;
  }
  const {
    name,
    namespace: clusterNamespace = namespace,
    connectionSecret,
  } = found['spec']?.rabbitmqClusterReference ?? {};
  if ((name === undefined) === (connectionSecret === undefined)) {
    return 'spec.rabbitmqClusterReference must have one of name and connectionSecret';
  }
  const [resource, wanted] = connectionSecret
    ? ['secrets', connectionSecret.name]
    : ['rabbitmqclusters.rabbitmq.com', name];
  return storage.get(resource, clusterNamespace, wanted)
    ? undefined
    : `${resource} ${JSON.stringify(wanted)} not found`;
}
