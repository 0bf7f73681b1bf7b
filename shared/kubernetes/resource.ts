/** The kinds this API serves, and what distinguishes them. */

import type { ResourceName } from './object.ts';
import { RESOURCES, type Resource } from './resource-table.ts';

const byName = new Map(RESOURCES.map((resource) => [qualifiedName(resource), resource]));
const byKind = new Map(RESOURCES.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));

/** `pods`, `jobs.batch`. */
export function qualifiedName(resource: Resource): ResourceName {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

/** `v1`, `batch/v1`. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

export function resourceNamed(name: ResourceName): Resource | undefined {
  return byName.get(name);
}

export function resourceOfKind(apiVersion: string, kind: string): Resource | undefined {
  return byKind.get(`${apiVersion}/${kind}`);
}
