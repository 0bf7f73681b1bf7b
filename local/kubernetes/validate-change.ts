/** Which fields of the built-in kinds stay as they were created. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import { type FieldProblem, forbidden, invalid } from './field-problem.ts';
import type { AnyFields } from './pod-spec-of.ts';

const JOB_FIELDS = [
  'completions',
  'selector',
  'template',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
];

export function validateChange(resource: Resource, next: KubeObject, current: KubeObject): FieldProblem[] {
  switch (resource.kind) {
    case 'Job':
      return JOB_FIELDS.flatMap((field) => unchanged(next['spec'] ?? {}, current['spec'] ?? {}, field));
    case 'Pod':
      return validatePodChange(next['spec'] ?? {}, current['spec'] ?? {});
    case 'ConfigMap':
    case 'Secret':
      return validateImmutableData(next, current);
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return sameValue(next['roleRef'], current['roleRef'])
        ? []
        : [invalid('roleRef', next['roleRef'], 'cannot change roleRef')];
    case 'Deployment':
      return unchanged(next['spec'] ?? {}, current['spec'] ?? {}, 'selector');
    default:
      return [];
  }
}

function unchanged(next: AnyFields, current: AnyFields, field: string): FieldProblem[] {
  return sameValue(next[field], current[field]) ? [] : [invalid(`spec.${field}`, next[field], 'field is immutable')];
}

/** A pod that is not bound yet may be bound; beyond that, images and deadlines alone may change. */
function validatePodChange(next: AnyFields, current: AnyFields): FieldProblem[] {
  const fixed = (spec: AnyFields) => {
    const { activeDeadlineSeconds: _a, tolerations: _t, containers = [], initContainers = [], ...rest } = spec;
    const { nodeName, ...unbound } = rest;
    const bare = (list: AnyFields[]) => list.map(({ image: _i, ...container }) => container);
    return {
      ...unbound,
      ...(current['nodeName'] && { nodeName }),
      containers: bare(containers),
      initContainers: bare(initContainers),
    };
  };
  if (sameValue(fixed(next), fixed(current))) {
    return [];
  }
  const allowed =
    '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
  return [forbidden('spec', `pod updates may not change fields other than ${allowed}`)];
}

function validateImmutableData(next: KubeObject, current: KubeObject): FieldProblem[] {
  const type = next.kind === 'Secret' && next['type'] !== current['type'];
  const problems = type ? [invalid('type', next['type'], 'field is immutable')] : [];
  if (!current['immutable']) {
    return problems;
  }
  const why = 'field is immutable when `immutable` is set';
  if (!next['immutable']) {
    problems.push(forbidden('immutable', why));
  }
  for (const field of ['data', 'binaryData']) {
    if (!sameValue(next[field], current[field])) {
      problems.push(forbidden(field, why));
    }
  }
  return problems;
}
