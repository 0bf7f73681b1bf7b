/** Deletes what has lost its owner, and the content of a deleted namespace. */

import type { KubeObject, OwnerReference } from '#shared/kubernetes/object.ts';
import { resourceNamed } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import type { Change } from './change-feed.ts';
import { deleteObject, FOREGROUND, isFinalized } from './delete-object.ts';
import type { ObjectTable } from './object-table.ts';

interface Found {
  resource: Resource;
  object: KubeObject;
}

/**
 * Follows the changes, as Kubernetes' controllers of the same names do. A change tells only where to look: every
 * decision is made on what the table holds now, so a change that is out of date does no harm. What is there already is
 * looked at first: a platform that was killed may have left half of a deletion.
 */
export function collectGarbage(table: ObjectTable): () => void {
  const present = [...table.all()].map(({ resource, object }): Change => {
    const version = Number(object.metadata.resourceVersion);
    return { type: 'ADDED', resource, object, previous: undefined, version };
  });
  return table.feed.subscribe((change) => {
    if (change.type === 'DELETED') {
      afterDeletion(table, change);
    } else {
      afterChange(table, change);
    }
  }, present);
}

function afterChange(table: ObjectTable, { resource, object: { metadata }, previous }: Change): void {
  const refs = metadata.ownerReferences ?? [];
  const before = previous?.metadata.ownerReferences ?? [];
  if (refs.length > 0 && (!previous || refs.length !== before.length)) {
    collectIfOrphaned(table, metadata.uid);
  }
  for (const { uid } of before) {
    if (!refs.some((ref) => ref.uid === uid)) {
      finishForeground(table, uid);
    }
  }
  if (!metadata.deletionTimestamp) {
    return;
  }
  if (metadata.finalizers?.includes(FOREGROUND)) {
    finishForeground(table, metadata.uid);
  }
  if (resource.kind === 'Namespace' && !previous?.metadata.deletionTimestamp) {
    emptyNamespace(table, metadata.name);
  }
}

function afterDeletion(table: ObjectTable, { object: { metadata } }: Change): void {
  for (const { object } of table.dependentsOf(metadata.uid ?? '')) {
    collectIfOrphaned(table, object.metadata.uid);
  }
  for (const { uid } of metadata.ownerReferences ?? []) {
    finishForeground(table, uid);
  }
  if (metadata.namespace) {
    finishNamespace(table, metadata.namespace);
  }
}

/** Deletes an object none of whose owners is left, or takes the lost ones off its list where one is. */
function collectIfOrphaned(table: ObjectTable, uid: string | undefined): void {
  const found = table.findUid(uid ?? '');
  const refs = found?.object.metadata.ownerReferences ?? [];
  if (!found || refs.length === 0) {
    return;
  }
  const kept = refs.filter((ref) => ownerState(table, found, ref) === 'present');
  if (kept.length === refs.length) {
    return;
  }
  if (kept.length > 0) {
    const { resource, object } = found;
    table.put(resource, { ...object, metadata: { ...object.metadata, ownerReferences: kept } });
    return;
  }
  // Whoever waits for this object waits for what hangs on it as well.
  const awaited = refs.some((ref) => ownerState(table, found, ref) === 'waiting');
  const hasDependents = table.dependentsOf(found.object.metadata.uid ?? '').length > 0;
  if (found.object.metadata.deletionTimestamp) {
    return;
  }
  deleteObject(
    table,
    found.resource,
    found.object,
    awaited && hasDependents ? { propagationPolicy: 'Foreground' } : {},
  );
}

/**
 * `waiting`: being deleted in the foreground, so its dependents go first. An owner in another namespace is no owner.
 */
function ownerState(table: ObjectTable, { object }: Found, ref: OwnerReference): 'present' | 'waiting' | 'absent' {
  const owner = table.findUid(ref.uid)?.object.metadata;
  if (!owner || (owner.namespace && owner.namespace !== object.metadata.namespace)) {
    return 'absent';
  }
  return owner.deletionTimestamp && owner.finalizers?.includes(FOREGROUND) ? 'waiting' : 'present';
}

/** Lets an owner go that was deleted in the foreground, once no dependent blocks it any more. */
function finishForeground(table: ObjectTable, uid: string | undefined): void {
  const owner = table.findUid(uid ?? '');
  if (!owner?.object.metadata.deletionTimestamp || !owner.object.metadata.finalizers?.includes(FOREGROUND)) {
    return;
  }
  const blocking = table
    .dependentsOf(uid ?? '')
    .filter(({ object }) =>
      object.metadata.ownerReferences?.some((ref) => ref.uid === uid && ref.blockOwnerDeletion === true),
    );
  if (blocking.length === 0) {
    dropForeground(table, owner);
  } else {
    for (const { object } of blocking) {
      collectIfOrphaned(table, object.metadata.uid);
    }
  }
}

function dropForeground(table: ObjectTable, { resource, object }: Found): void {
  const { finalizers, ...metadata } = object.metadata;
  const left = finalizers?.filter((name) => name !== FOREGROUND) ?? [];
  const next = { ...object, metadata: left.length > 0 ? { ...metadata, finalizers: left } : metadata };
  if (isFinalized(resource, next)) {
    table.discard(resource, next);
  } else {
    table.put(resource, next);
  }
}

function emptyNamespace(table: ObjectTable, namespace: string): void {
  const content = [...table.all()].filter(({ object }) => object.metadata.namespace === namespace);
  for (const { resource, object } of content) {
    const now = table.find(resource, namespace, object.metadata.name);
    if (now) {
      deleteObject(table, resource, now, { propagationPolicy: 'Background' });
    }
  }
  finishNamespace(table, namespace);
}

function finishNamespace(table: ObjectTable, name: string): void {
  const resource = resourceNamed('namespaces') as Resource;
  const object = table.find(resource, undefined, name);
  if (!object?.metadata.deletionTimestamp) {
    return;
  }
  for (const { object: content } of table.all()) {
    if (content.metadata.namespace === name) {
      return;
    }
  }
  const next = { ...object, spec: { ...object['spec'], finalizers: [] } };
  if (isFinalized(resource, next)) {
    table.discard(resource, next);
  }
}
