/**
 * Replaces an object, or its status alone, as kube-apiserver does: what belongs to the server stays, the rest is
 * checked.
 */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import { ApiError } from './api-error.ts';
import { copy } from './copy.ts';
import { setDefaults } from './defaults.ts';
import { isFinalized } from './delete-object.ts';
import { type ManagedFields, managedFieldsOf, trackUpdate, type WriteOptions } from './managed-fields.ts';
import type { ObjectTable } from './object-table.ts';
import { validate, validateChange } from './validation.ts';

/** Answers `current` itself, and makes no event, where nothing changes. */
export function updateObject(
  table: ObjectTable,
  resource: Resource,
  current: KubeObject,
  proposed: KubeObject,
  options: WriteOptions,
): KubeObject {
  requireUnchanged(resource, current, proposed);
  const next = copy(proposed);
  const { name, namespace, uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } =
    current.metadata;
  next.metadata = {
    ...next.metadata,
    name,
    ...defined({ namespace, uid, creationTimestamp, generation, resourceVersion: current.metadata.resourceVersion }),
  };
  delete next.metadata.deletionTimestamp;
  delete next.metadata.deletionGracePeriodSeconds;
  Object.assign(next.metadata, defined({ deletionTimestamp, deletionGracePeriodSeconds }));
  next.metadata.managedFields ??= current.metadata.managedFields ?? [];
  if (resource.hasStatus) {
    delete next['status'];
    if (current['status'] !== undefined) {
      next['status'] = current['status'];
    }
  }
  validate(resource, next);
  setDefaults(resource, next);
  validateChange(resource, next, current);
  if (resource.hasGeneration && desiredStateChanged(current, next)) {
    next.metadata.generation = (generation ?? 1) + 1;
  }
  next.metadata.managedFields = options.managedFields ?? trackUpdate(current, next, resource, options.manager);
  if (unchanged(current, next)) {
    return current;
  }
  return isFinalized(resource, next) ? table.discard(resource, next) : table.put(resource, next);
}

/** Status alone; neither generation nor ownership changes. */
export function updateStatus(
  table: ObjectTable,
  resource: Resource,
  current: KubeObject,
  proposed: KubeObject,
): KubeObject {
  requireUnchanged(resource, current, proposed);
  const status = copy(proposed['status']);
  if (sameValue(status, current['status'])) {
    return current;
  }
  const next = { ...current, status };
  return table.put(resource, next);
}

function requireUnchanged(resource: Resource, current: KubeObject, proposed: KubeObject): void {
  const { name, uid, resourceVersion } = current.metadata;
  const given = proposed.metadata ?? {};
  if (given.uid && given.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${uid}`;
    throw ApiError.conflict(resource, name, why);
  }
  if (given.resourceVersion && given.resourceVersion !== resourceVersion) {
    throw ApiError.conflict(resource, name);
  }
}

function desiredStateChanged(current: KubeObject, next: KubeObject): boolean {
  const desired = ({ apiVersion: _a, kind: _k, metadata: _m, status: _s, ...rest }: KubeObject) => rest;
  return !sameValue(desired(current), desired(next));
}

function unchanged(current: KubeObject, next: KubeObject): boolean {
  const bare = ({ metadata: { managedFields: _m, ...metadata }, ...rest }: KubeObject) => ({ ...rest, metadata });
  const owners = (object: KubeObject) => managedFieldsOf(object).map(({ time: _t, ...entry }: ManagedFields) => entry);
  return sameValue(bare(current), bare(next)) && sameValue(owners(current), owners(next));
}

function defined<T extends object>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
