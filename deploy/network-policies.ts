/** The NetworkPolicies of an overlay, with what the settings say in them. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import { builderRules, egressRules, functionRules, inNamespace, type Rule, rabbitmqRules } from './egress.ts';
import type { Environment } from './environment.ts';
import type { Settings } from './settings.ts';

const FUNCTION_ENV = 'knative-lambda-function-env';

/** Each policy that the settings change, and what its spec becomes. An overlay may leave out any of them. */
export function changedPolicies(
  { namespace, buildsNamespace }: Environment,
  overlay: KubeObject[],
  config: Record<string, string>,
  settings: Settings,
): { policy: KubeObject; spec: unknown }[] {
  const environment = overlay.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === FUNCTION_ENV);
  const changes: Record<string, (policy: KubeObject) => object> = {
    [`${buildsNamespace}/egress`]: (policy) => ({ egress: egressRules(config, settings, policy) }),
    [`${namespace}/builder`]: (policy) => withRules(policy, builderRules(config)),
    [`${namespace}/functions`]: (policy) => withRules(policy, functionRules(environment?.['data'] ?? {}, settings)),
    [`${namespace}/rabbitmq`]: () => inPlace(rabbitmqRules(settings, { management: false })),
    [`${namespace}/queues`]: () => inPlace(rabbitmqRules(settings, { management: true })),
    [`${namespace}/broker`]: (policy) => withClients(policy, settings.brokerClientNamespaces),
  };
  return overlay
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map((policy) => {
      const change = changes[`${policy.metadata.namespace}/${policy.metadata.name}`];
      return { policy, spec: withNamespaces({ ...policy['spec'], ...change?.(policy) }, settings) };
    })
    .filter(({ policy, spec }) => !sameValue(policy['spec'], spec));
}

function withRules(policy: KubeObject, rules: Rule[]) {
  return { egress: [...policy['spec'].egress, ...rules] };
}

function inPlace(rules: Rule[] | undefined) {
  return rules ? { egress: rules } : {};
}

function withClients(policy: KubeObject, clients: string[] = []) {
  const [rule, ...others] = policy['spec'].ingress;
  return { ingress: [{ ...rule, from: [...rule.from, ...clients.map(inNamespace)] }, ...others] };
}

/** How the base states the two lists; an overlay that states others keeps them. */
const STATED = {
  ingressNamespaces: ['kourier-system', 'istio-system', 'contour-internal', 'contour-external', 'traefik'],
  metricsNamespaces: ['monitoring', 'observability'],
} as const;

function withNamespaces(spec: unknown, settings: Settings): unknown {
  return Object.entries(STATED).reduce((current, [key, stated]) => {
    const wanted = settings[key as keyof typeof STATED];
    return wanted ? replaced(current, stated, wanted) : current;
  }, spec);
}

function replaced(value: unknown, stated: readonly string[], wanted: string[]): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return sameValue(value, stated) ? wanted : value.map((item) => replaced(item, stated, wanted));
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, stated, wanted)]));
}
