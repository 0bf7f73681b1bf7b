/**
 * Server-side apply: the applier states the fields it wants; what it no longer states goes, what others set is a
 * conflict.
 */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { ApiError } from './api-error.ts';
import { resolveConflicts } from './apply-conflicts.ts';
import { mergeApplied, prune } from './apply-merge.ts';
import { copy } from './copy.ts';
import { createObject } from './create-object.ts';
import { changedFields, difference, type FieldSet, fieldsOf, intersection, union, withAncestors } from './field-set.ts';
import { type ManagedFields, managedFieldsOf, newEntry, ownable } from './managed-fields.ts';
import type { ObjectTable } from './object-table.ts';
import { updateObject } from './update-object.ts';

export interface ApplyOptions {
  fieldManager: string;
  /** Take over the fields of others instead of failing. */
  force?: boolean | undefined;
}

export function applyObject(
  table: ObjectTable,
  resource: Resource,
  given: KubeObject,
  options: ApplyOptions,
): KubeObject {
  const applied = copy(given);
  if (applied.metadata.managedFields) {
    throw ApiError.badRequest('metadata.managedFields must be nil');
  }
  const { name, namespace } = applied.metadata;
  const manager = options.fieldManager;
  const wanted = fieldsOf(ownable(applied, resource));
  const mine = newEntry(manager, 'Apply', applied.apiVersion, wanted);
  const current = table.find(resource, namespace, name);
  if (!current) {
    if (applied.metadata.uid) {
      throw ApiError.conflict(resource, name, 'uid mismatch: the object does not exist');
    }
    return createObject(table, resource, applied, { manager, managedFields: [mine] });
  }
  const entries = managedFieldsOf(current);
  const isMine = (entry: ManagedFields) => entry.manager === manager && entry.operation === 'Apply';
  const before = entries.find(isMine);
  const live = ownable(current, resource);
  const merged = mergeApplied(live, ownable(applied, resource));
  const changed = intersection(changedFields(live, merged), wanted);
  const others = resolveConflicts(
    entries.filter((entry) => !isMine(entry)),
    changed,
    options.force ?? false,
  );
  const kept = others.reduce<FieldSet>((all, { fieldsV1 }) => union(all, fieldsV1), {});
  // What somebody still wants keeps what it lies in: a map is not gone while one of its fields is wanted.
  const gone = difference(before?.fieldsV1 ?? {}, withAncestors(union(wanted, kept)));
  const next = (prune(merged, gone) ?? {}) as Partial<KubeObject>;
  const { uid, resourceVersion } = applied.metadata;
  const proposed = {
    ...next,
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: { ...next.metadata, name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
  };
  return updateObject(table, resource, current, proposed, { manager, managedFields: [...others, mine] });
}
