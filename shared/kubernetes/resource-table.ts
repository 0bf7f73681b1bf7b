/**
 * Every kind that `make deploy` knows the scope of and the embedded API serves. `make run` and the contract suite need
 * most of them, kubectl some more so that it does not stumble, and an operator's own overlay may hold the rest
 * (Service, Deployment, ClusterRole, ClusterRoleBinding).
 */

export interface Resource {
  /** Empty for the core group. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: string[];
  categories: string[];
  namespaced: boolean;
  /** Whether there is a status that only /status changes. */
  hasStatus: boolean;
  /** Whether metadata.generation counts changes of the desired state. */
  hasGeneration: boolean;
  /** Defined by a CustomResourceDefinition: no strategic merge patch, and a replace needs a resourceVersion. */
  custom: boolean;
  /** Whether DELETE answers with the object rather than with a Status. */
  returnsDeleted: boolean;
}

type Options = Partial<Pick<Resource, 'singular' | 'shortNames' | 'categories' | 'returnsDeleted'>> & {
  /** Cluster-scoped. */
  cluster?: true;
  noStatus?: true;
  noGeneration?: true;
};

function define(groupVersion: string, kind: string, plural: string, custom: boolean, options: Options): Resource {
  const [group, version] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural,
    singular: options.singular ?? kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    namespaced: !options.cluster,
    hasStatus: !options.noStatus,
    hasGeneration: !options.noGeneration,
    custom,
    returnsDeleted: options.returnsDeleted ?? false,
  };
}

const builtin = (groupVersion: string, kind: string, plural: string, options: Options = {}) =>
  define(groupVersion, kind, plural, false, options);
const custom = (groupVersion: string, kind: string, plural: string, options: Options = {}) =>
  define(groupVersion, kind, plural, true, options);

/** Plain data: neither status nor generation. */
const data = { noStatus: true, noGeneration: true } as const;
const all = ['all'];
const serving = ['all', 'knative', 'serving'];
const eventing = ['all', 'knative', 'eventing'];
const sources = ['all', 'knative', 'sources'];

export const RESOURCES: readonly Resource[] = [
  builtin('v1', 'Namespace', 'namespaces', { cluster: true, noGeneration: true, shortNames: ['ns'] }),
  builtin('v1', 'Pod', 'pods', { shortNames: ['po'], categories: all, returnsDeleted: true }),
  builtin('v1', 'ConfigMap', 'configmaps', { ...data, shortNames: ['cm'] }),
  builtin('v1', 'Secret', 'secrets', data),
  builtin('v1', 'Service', 'services', { shortNames: ['svc'], categories: all, noGeneration: true }),
  builtin('v1', 'ServiceAccount', 'serviceaccounts', { ...data, shortNames: ['sa'], returnsDeleted: true }),
  builtin('v1', 'ResourceQuota', 'resourcequotas', {
    noGeneration: true,
    shortNames: ['quota'],
    returnsDeleted: true,
  }),
  builtin('v1', 'LimitRange', 'limitranges', { ...data, shortNames: ['limits'] }),
  builtin('apps/v1', 'Deployment', 'deployments', { shortNames: ['deploy'], categories: all }),
  builtin('batch/v1', 'Job', 'jobs', { categories: all }),
  builtin('coordination.k8s.io/v1', 'Lease', 'leases', data),
  builtin('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', { noStatus: true, shortNames: ['netpol'] }),
  builtin('rbac.authorization.k8s.io/v1', 'Role', 'roles', data),
  builtin('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', data),
  builtin('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', { ...data, cluster: true }),
  builtin('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', { ...data, cluster: true }),
  custom('serving.knative.dev/v1', 'Service', 'services', { shortNames: ['kservice', 'ksvc'], categories: serving }),
  custom('serving.knative.dev/v1', 'Revision', 'revisions', { shortNames: ['rev'], categories: serving }),
  custom('eventing.knative.dev/v1', 'Broker', 'brokers', { categories: eventing }),
  custom('eventing.knative.dev/v1', 'Trigger', 'triggers', { categories: eventing }),
  custom('eventing.knative.dev/v1alpha1', 'RabbitmqBrokerConfig', 'rabbitmqbrokerconfigs', {
    noStatus: true,
    categories: eventing,
  }),
  custom('rabbitmq.com/v1beta1', 'RabbitmqCluster', 'rabbitmqclusters', { shortNames: ['rmq'], categories: all }),
  custom('rabbitmq.com/v1beta1', 'Policy', 'policies', { categories: ['all', 'rabbitmq'] }),
  custom('sources.knative.dev/v1', 'ApiServerSource', 'apiserversources', { categories: sources }),
  custom('sources.knative.dev/v1', 'PingSource', 'pingsources', { categories: sources }),
];
