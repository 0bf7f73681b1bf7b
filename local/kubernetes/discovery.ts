/** Discovery: which groups, versions and kinds there are. */
import { apiVersionOf } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { RESOURCES } from '#shared/kubernetes/resource-table.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const STATUS_VERBS = ['get', 'patch', 'update'];

const groups = Map.groupBy(RESOURCES, (resource) => resource.group);

/** `/api` */
export function coreVersions(): unknown {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** `/apis` */
export function groupList(): unknown {
  const named = [...groups.keys()].filter((group) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(describeGroup) };
}

/** `/apis/{group}`; undefined where there is no such group. */
export function group(name: string): unknown {
  return name !== '' && groups.has(name) ? { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(name) } : undefined;
}

/** `/api/v1`, `/apis/{group}/{version}`; undefined where there is no such version. */
export function resourceList(groupVersion: string): unknown {
  const resources = RESOURCES.filter((resource) => apiVersionOf(resource) === groupVersion);
  if (resources.length === 0) {
    return undefined;
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.flatMap(describeResource) };
}

function describeGroup(name: string): object {
  const versions = [...new Set(groups.get(name)?.map(({ version }) => version))].sort();
  const described = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

function describeResource(resource: Resource): object[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = resource;
  const main = { name: plural, singularName: singular, namespaced, kind, verbs: VERBS, shortNames, categories };
  const parts = subresourcesOf(resource).map(({ name, verbs }) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind,
    verbs,
  }));
  return [main, ...parts];
}

function subresourcesOf(resource: Resource): { name: string; verbs: string[] }[] {
  return [
    ...(resource.hasStatus ? [{ name: 'status', verbs: STATUS_VERBS }] : []),
    ...(resource.kind === 'Pod' ? [{ name: 'log', verbs: ['get'] }] : []),
  ];
}
