/** A user's function in a fake cluster, as the door finds it. */
import type { Identity } from '#shared/events/identity.ts';
import { DELIVERY_ANNOTATION } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster } from './cluster.ts';

/** Its Service, which Knative has not looked at yet. Without `delivery`: of an older installation. */
export function putFunction(
  cluster: InMemoryCluster,
  identity: Identity,
  { delivery, timeoutSeconds = 30 }: { delivery?: string | undefined; timeoutSeconds?: number } = {},
): void {
  cluster.storage.create({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name: functionName(identity),
      namespace: FUNCTIONS_NAMESPACE,
      annotations: {
        'knative-lambda/third-party-id': identity.third_party_id,
        'knative-lambda/parser-id': identity.parser_id,
        ...(delivery ? { [DELIVERY_ANNOTATION]: delivery } : {}),
      },
    },
    spec: { template: { spec: { timeoutSeconds, containers: [{ image: 'registry.local/x' }] } } },
  });
}

export function makeReady(cluster: InMemoryCluster, identity: Identity): void {
  const name = functionName(identity);
  cluster.services.change(name, (service) => {
    service['status'] = { latestReadyRevisionName: `${name}-00001`, address: { url: `http://${name}.functions.svc` } };
  });
}
