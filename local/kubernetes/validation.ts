/** Validation by Kubernetes itself: everything that is wrong with an object, in one 422. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { type FieldProblem, invalid, invalidObject, required } from './field-problem.ts';
import { podSpecOf } from './pod-spec-of.ts';
import { validateChange } from './validate-change.ts';
import { validateJob } from './validate-job.ts';
import { validateLabels, validateMetadata } from './validate-metadata.ts';
import { validatePodSpec } from './validate-pod-spec.ts';

/** A replace is checked as a whole again, and against what it replaces. Throws ApiError 422. */
export function validate(resource: Resource, object: KubeObject, current?: KubeObject): void {
  const problems = [
    ...validateMetadata(resource, object, current),
    ...(resource.custom ? [] : validateFields(resource, object)),
    ...(current ? validateChange(resource, object, current) : []),
  ];
  if (problems.length > 0) {
    throw invalidObject(resource, object.metadata.name ?? '', problems);
  }
}

function validateFields(resource: Resource, object: KubeObject): FieldProblem[] {
  const place = podSpecOf(resource, object);
  const pods = place
    ? [
        ...validateLabels(place.template?.['metadata']?.labels, 'spec.template.labels'),
        ...validatePodSpec(place.spec, place.path),
      ]
    : [];
  if (resource.kind === 'Job') {
    return [...validateJob(object['spec'] ?? {}), ...pods];
  }
  if (resource.kind === 'ConfigMap' || resource.kind === 'Secret') {
    return validateData(object);
  }
  if (resource.kind === 'RoleBinding' || resource.kind === 'ClusterRoleBinding') {
    return object['roleRef']?.name ? pods : [required('roleRef.name')];
  }
  return pods;
}

function validateData({ data = {}, binaryData = {} }: KubeObject): FieldProblem[] {
  const keys = [...Object.keys(data), ...Object.keys(binaryData)];
  const wrongKeys = keys.filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key.startsWith('..'));
  const rule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return wrongKeys.map((key) => invalid(`data[${key}]`, key, rule));
}
