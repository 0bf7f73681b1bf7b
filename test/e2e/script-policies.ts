/** What lets the suite's own pod be where the functions namespace is closed: to go anywhere, and to be subscribed. */
import type {
  KubernetesObjectApi,
  V1NetworkPolicy,
  V1NetworkPolicySpec,
  V1OwnerReference,
} from '@kubernetes/client-node';
import { POD_PORTS } from '#test/contract/probe.ts';

const ROLE = 'eventing.knative.dev/brokerRole';

/** They go with their owner, the pod. */
export async function openWaysFor(
  objects: KubernetesObjectApi,
  {
    name,
    namespace,
    labels,
    owner,
  }: { name: string; namespace: string; labels: Record<string, string>; owner: V1OwnerReference },
): Promise<void> {
  const pod = { podSelector: { matchLabels: labels } };
  const [dispatchers, ingress] = ['dispatcher', 'ingress'].map((role) => ({
    podSelector: { matchLabels: { [ROLE]: role } },
  }));
  // dead-letter looks whether a subscriber listens that has not answered.
  const builder = { podSelector: { matchLabels: { 'app.kubernetes.io/component': 'builder' } } };
  const subscriber = [{ protocol: 'TCP', port: POD_PORTS.subscriber }];
  const specs: Record<string, V1NetworkPolicySpec> = {
    [name]: {
      ...pod,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ _from: [dispatchers ?? {}, builder], ports: subscriber }],
      egress: [{}],
    },
    [`${name}-deliveries`]: { ...dispatchers, policyTypes: ['Egress'], egress: [{ to: [pod], ports: subscriber }] },
    [`${name}-looks`]: { ...builder, policyTypes: ['Egress'], egress: [{ to: [pod], ports: subscriber }] },
    [`${name}-broker`]: { ...ingress, policyTypes: ['Ingress'], ingress: [{ _from: [pod] }] },
  };
  for (const [each, spec] of Object.entries(specs)) {
    const policy: V1NetworkPolicy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: each, namespace, ownerReferences: [owner] },
      spec,
    };
    await objects.create(policy);
  }
}
