/** The rules for metadata, which hold for every kind. */

import type { KubeObject, ObjectMeta } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { duplicate, type FieldProblem, forbidden, invalid, required, tooLong } from './field-problem.ts';
import { dns1035Label, dnsLabel, dnsSubdomain, labelValue, pathSegment, qualifiedName } from './name-rules.ts';

const MAX_ANNOTATIONS = 256 * 1024;
const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes'];

export function validateMetadata(resource: Resource, { metadata }: KubeObject, current?: KubeObject): FieldProblem[] {
  return [
    ...validateName(resource, metadata),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations, 'metadata.annotations'),
    ...validateFinalizers(metadata, current?.metadata),
    ...validateOwners(metadata),
  ];
}

/** Also of a pod template, whose labels are no less labels. */
export function validateLabels(labels: Record<string, string> | undefined, field: string): FieldProblem[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const wrongKey = qualifiedName(key);
    const wrongValue = labelValue(value);
    return [
      ...(wrongKey ? [invalid(field, key, wrongKey)] : []),
      ...(wrongValue ? [invalid(field, value, wrongValue)] : []),
    ];
  });
}

function validateName(resource: Resource, { name }: ObjectMeta): FieldProblem[] {
  if (!name) {
    return [required('metadata.name', 'name or generateName is required')];
  }
  const wrong = nameRule(resource)(name);
  return wrong ? [invalid('metadata.name', name, wrong)] : [];
}

function nameRule({ group, kind }: Resource): (name: string) => string | undefined {
  if (kind === 'Namespace') {
    return (name) => (name.includes('.') ? 'must not contain dots' : dnsLabel(name));
  }
  if (kind === 'Service' && group === '') {
    return dns1035Label;
  }
  return group === 'rbac.authorization.k8s.io' ? pathSegment : dnsSubdomain;
}

function validateAnnotations(annotations: Record<string, string> = {}, field: string): FieldProblem[] {
  const problems = Object.keys(annotations).flatMap((key) => {
    // Upper case is tolerated in the prefix of an annotation, though not of a label.
    const wrong = qualifiedName(key.toLowerCase());
    return wrong ? [invalid(field, key, wrong)] : [];
  });
  const size = Object.entries(annotations).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
  return size > MAX_ANNOTATIONS ? [...problems, tooLong(field, MAX_ANNOTATIONS)] : problems;
}

function validateFinalizers({ finalizers = [] }: ObjectMeta, current: ObjectMeta | undefined): FieldProblem[] {
  const field = 'metadata.finalizers';
  const problems = finalizers.flatMap((finalizer, index) => {
    const wrong = qualifiedName(finalizer);
    if (wrong) {
      return [invalid(`${field}[${index}]`, finalizer, wrong)];
    }
    if (finalizer.includes('/') || STANDARD_FINALIZERS.includes(finalizer)) {
      return [];
    }
    return [
      invalid(`${field}[${index}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
    ];
  });
  if (!current?.deletionTimestamp) {
    return problems;
  }
  const added = finalizers.filter((finalizer) => !current.finalizers?.includes(finalizer));
  if (added.length === 0) {
    return problems;
  }
  const names = added.map((name) => JSON.stringify(name)).join(', ');
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
  return [...problems, forbidden(field, why)];
}

function validateOwners({ ownerReferences = [] }: ObjectMeta): FieldProblem[] {
  const field = 'metadata.ownerReferences';
  const problems = ownerReferences.flatMap((owner) => [
    ...(owner.apiVersion ? [] : [invalid(`${field}.apiVersion`, '', 'version must not be empty')]),
    ...(owner.kind ? [] : [invalid(`${field}.kind`, '', 'must not be empty')]),
    ...(owner.name ? [] : [invalid(`${field}.name`, '', 'must not be empty')]),
    ...(owner.uid ? [] : [invalid(`${field}.uid`, '', 'must not be empty')]),
  ]);
  const controllers = ownerReferences.filter((owner) => owner.controller);
  if (controllers.length > 1) {
    const [first, second] = controllers;
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${first?.kind}/${first?.name} and ${second?.kind}/${second?.name}`;
    problems.push(invalid(field, ownerReferences, why));
  }
  const uids = ownerReferences.map(({ uid }) => uid);
  const twice = uids.find((uid, index) => uids.indexOf(uid) !== index);
  return twice ? [...problems, duplicate(field, twice)] : problems;
}
