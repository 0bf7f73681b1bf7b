/** Refuses what is no valid object, or no valid change of one: everything that is wrong with it, in one 422. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import { ApiError } from './api-error.ts';
import { type FieldProblem, schemaProblems } from './schema-problems.ts';
import { METADATA } from './schema-rules.ts';

/** What stays as it was created. */
const IMMUTABLE: Record<string, string[]> = {
  Broker: ['spec'],
  Job: ['spec.completions', 'spec.podFailurePolicy', 'spec.selector', 'spec.template'],
  RabbitmqBrokerConfig: ['spec'],
  Revision: ['spec'],
  RoleBinding: ['roleRef'],
  Secret: ['type'],
  Trigger: ['spec.broker', 'spec.filter'],
};

/** With or without its defaults. Throws ApiError 422. */
export function validate(resource: Resource, object: KubeObject): void {
  const { status, metadata, ...fields } = object;
  const given = { ...fields, ...(resource.hasStatus || status === undefined ? {} : { status }) };
  refuse(resource, object, schemaProblems({ ...given, metadata: clientsPart(metadata) } as KubeObject) ?? []);
}

/** Once its defaults are set. Throws ApiError 422. */
export function validateChange(resource: Resource, next: KubeObject, current: KubeObject): void {
  refuse(resource, next, changeProblems(resource, next, current));
}

function refuse(resource: Resource, { metadata }: KubeObject, problems: FieldProblem[]): void {
  if (problems.length > 0) {
    throw ApiError.invalid(resource, String(metadata.name ?? ''), problems);
  }
}

/** What the server sets is no client's mistake. An empty name is none. */
function clientsPart(metadata: KubeObject['metadata']): object {
  return Object.fromEntries(
    Object.entries(metadata).filter(([key, value]) => key in METADATA.properties && !(key === 'name' && value === '')),
  );
}

function changeProblems(resource: Resource, next: KubeObject, current: KubeObject): FieldProblem[] {
  const problems = (IMMUTABLE[resource.kind] ?? [])
    .filter((field) => !sameValue(valueAt(next, field), valueAt(current, field)))
    .map((field) => ({ field, message: 'is immutable' }));
  const { finalizers = [], deletionTimestamp } = current.metadata;
  if (deletionTimestamp && next.metadata.finalizers?.some((finalizer) => !finalizers.includes(finalizer))) {
    problems.push({
      field: 'metadata.finalizers',
      message: 'takes no new finalizers while the object is being deleted',
    });
  }
  return problems;
}

function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}
