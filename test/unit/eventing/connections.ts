/** Whether NetworkPolicies let one end connect to another, as networks that enforce them decide. */
import { BlockList, isIPv4 } from 'node:net';
import type {
  V1IPBlock,
  V1LabelSelector,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export type End = { namespace: string; labels: Record<string, string> } | { address: string };

/** `way`: a protocol and a port, as `TCP 443`. Both ends have to allow it. */
export function canConnect(policies: KubeObject[], from: End, to: End, way: string): boolean {
  return allowed(policies, 'Egress', from, to, way) && allowed(policies, 'Ingress', to, from, way);
}

function allowed(policies: KubeObject[], type: 'Ingress' | 'Egress', own: End, other: End, way: string): boolean {
  const holding = policiesFor(policies, own).filter(({ policyTypes = [] }) => policyTypes.includes(type));
  const rules: V1NetworkPolicyEgressRule[] = holding.flatMap((spec) =>
    type === 'Egress'
      ? (spec.egress ?? [])
      : // As it is in YAML; the client names it _from.
        ((spec.ingress ?? []) as { from?: V1NetworkPolicyPeer[]; ports?: V1NetworkPolicyPort[] }[]).map(
          ({ from, ports }) => ({ ...(from ? { to: from } : {}), ...(ports ? { ports } : {}) }),
        ),
  );
  const namespace = 'namespace' in own ? own.namespace : '';
  return holding.length === 0 || rules.some((rule) => permits(rule, namespace, other, way));
}

/** The specs of all policies that hold for a pod. */
export function policiesFor(policies: KubeObject[], pod: End): V1NetworkPolicySpec[] {
  return policies
    .filter(({ metadata }) => 'namespace' in pod && metadata.namespace === pod.namespace)
    .map((policy) => policy['spec'] as V1NetworkPolicySpec)
    .filter(({ podSelector = {} }) => 'labels' in pod && selects(podSelector, pod.labels));
}

function permits({ to, ports }: V1NetworkPolicyEgressRule, namespace: string, other: End, way: string): boolean {
  const isPort = !ports || ports.some(({ protocol, port }) => `${protocol} ${port}` === way);
  return isPort && (!to || to.some((peer) => isPeer(peer, namespace, other)));
}

function isPeer({ ipBlock, namespaceSelector, podSelector }: V1NetworkPolicyPeer, own: string, other: End): boolean {
  if ('address' in other) {
    return ipBlock !== undefined && contains(ipBlock, other.address);
  }
  const isThere = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': other.namespace })
    : podSelector !== undefined && other.namespace === own;
  return isThere && selects(podSelector ?? {}, other.labels);
}

function selects({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector, labels: Record<string, string>) {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In' && operator !== 'Exists') {
        throw new Error(`this test does not know the operator ${operator}`);
      }
      return operator === 'Exists' ? key in labels : values.includes(labels[key] ?? '');
    })
  );
}

export function contains({ cidr, except = [] }: V1IPBlock, address: string): boolean {
  const within = (range: string) => {
    const [network = '', length] = range.split('/');
    const list = new BlockList();
    // To BlockList an IPv4 address is an IPv6 one as well; to a network it is not.
    if (isIPv4(network) === isIPv4(address)) {
      list.addSubnet(network, Number(length), isIPv4(network) ? 'ipv4' : 'ipv6');
    }
    return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  };
  return within(cidr) && !except.some(within);
}
