/** The kinds this API serves, and what distinguishes them. */
import { RESOURCES } from './resource-table.ts';
import type { ResourceName } from './types.ts';

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
