/** metadata.managedFields: who set which field, kept for server-side apply to find conflicts and removals. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { changedFields, difference, type FieldSet, fieldsOf, isLeaf, union } from './field-set.ts';

export interface ManagedFields {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: FieldSet;
}

/** What accompanies a write, beside the object. */
export interface WriteOptions {
  /** Who is recorded in managedFields. */
  manager: string;
  /** The ownership that server-side apply has worked out; otherwise it follows from what changed. */
  managedFields?: ManagedFields[];
}

/** What the system sets, so nobody owns it; and status, which belongs to controllers that do not apply. */
const UNOWNED = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
  'managedFields',
  'selfLink',
];

/** The part of an object that can be owned. */
export function ownable(object: KubeObject, { hasStatus }: Resource): Record<string, unknown> {
  const { apiVersion: _a, kind: _k, metadata, ...fields } = object;
  if (hasStatus) {
    delete fields['status'];
  }
  const meta = Object.fromEntries(Object.entries(metadata).filter(([field]) => !UNOWNED.includes(field)));
  return Object.keys(meta).length > 0 ? { metadata: meta, ...fields } : fields;
}

export function managedFieldsOf(object: KubeObject | undefined): ManagedFields[] {
  const entries = (object?.metadata.managedFields ?? []) as Partial<ManagedFields>[];
  // kubectl resets ownership by writing one empty entry.
  return entries.filter((entry): entry is ManagedFields => Boolean(entry.manager && entry.fieldsV1));
}

/** After a create or a replace: the writer owns what it changed, nobody what is gone. */
export function trackUpdate(
  before: KubeObject | undefined,
  next: KubeObject,
  resource: Resource,
  manager: string,
): ManagedFields[] {
  const old = before ? ownable(before, resource) : {};
  const now = ownable(next, resource);
  const changed = changedFields(old, now);
  const gone = before ? difference(fieldsOf(old), fieldsOf(now)) : {};
  // A writer may hand ownership over by sending managedFields (kubectl does when it moves to server-side apply).
  const entries = managedFieldsOf(next.metadata.managedFields ? next : before).map((entry) => ({
    ...entry,
    fieldsV1: difference(difference(entry.fieldsV1, changed), gone),
  }));
  if (!isLeaf(changed)) {
    const mine = entries.find((entry) => entry.manager === manager && entry.operation === 'Update');
    if (mine) {
      Object.assign(mine, { fieldsV1: union(mine.fieldsV1, changed), time: rfc3339() });
    } else {
      entries.push(newEntry(manager, 'Update', next.apiVersion, changed));
    }
  }
  return entries.filter((entry) => !isLeaf(entry.fieldsV1));
}

export function newEntry(
  manager: string,
  operation: 'Apply' | 'Update',
  apiVersion: string,
  fieldsV1: FieldSet,
): ManagedFields {
  return { manager, operation, apiVersion, time: rfc3339(), fieldsType: 'FieldsV1', fieldsV1 };
}

/** Kubernetes' times have whole seconds. */
export function rfc3339(time = Date.now()): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
