/** Deletes an object, or marks it for deletion where finalizers, dependents or a kubelet come first. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { ApiError } from './api-error.ts';
import { rfc3339 } from './managed-fields.ts';
import type { ObjectTable } from './object-table.ts';
import type { PropagationPolicy } from './types.ts';

export interface DeleteOptions {
  propagationPolicy?: PropagationPolicy | undefined;
  gracePeriodSeconds?: number | undefined;
  /** Preconditions: Conflict where they do not hold. */
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

export const FOREGROUND = 'foregroundDeletion';
const PROTECTED_NAMESPACES = ['default', 'kube-system'];

/** `gone` is false where the object stays for now, with its deletionTimestamp. */
export function deleteObject(
  table: ObjectTable,
  resource: Resource,
  current: KubeObject,
  options: DeleteOptions = {},
): { object: KubeObject; gone: boolean } {
  checkPreconditions(resource, current, options);
  const { metadata } = current;
  if (resource.kind === 'Namespace' && PROTECTED_NAMESPACES.includes(metadata.name)) {
    throw ApiError.forbidden(resource, metadata.name, 'this namespace may not be deleted');
  }
  const finalizers = finalizersAfter(metadata.finalizers ?? [], options.propagationPolicy);
  const grace = gracePeriod(resource, current, options.gracePeriodSeconds);
  const first = metadata.deletionTimestamp === undefined;
  // A second delete can only shorten the time.
  const sooner = !first && grace < (metadata.deletionGracePeriodSeconds ?? 0);
  const next: KubeObject = { ...current, metadata: { ...metadata, finalizers } };
  if (finalizers.length === 0) {
    delete next.metadata.finalizers;
  }
  if (first || sooner) {
    next.metadata.deletionTimestamp = rfc3339(table.origin.now() + grace * 1000);
    next.metadata.deletionGracePeriodSeconds = grace;
    if (first && metadata.generation !== undefined) {
      next.metadata.generation = metadata.generation + 1;
    }
    if (resource.kind === 'Namespace') {
      next['status'] = { ...next['status'], phase: 'Terminating' };
    }
  }
  const gone = isFinalized(resource, next);
  if (gone) {
    return { object: table.discard(resource, next), gone };
  }
  const changed = first || sooner || finalizers.join() !== (metadata.finalizers ?? []).join();
  return { object: changed ? table.put(resource, next) : current, gone };
}

/** Whether nothing holds a deleted object any more. */
export function isFinalized(resource: Resource, { metadata, spec }: KubeObject): boolean {
  if (!metadata.deletionTimestamp || metadata.finalizers?.length) {
    return false;
  }
  if (resource.kind === 'Namespace') {
    return !spec?.finalizers?.length;
  }
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

function checkPreconditions(resource: Resource, { metadata }: KubeObject, options: DeleteOptions): void {
  for (const field of ['uid', 'resourceVersion'] as const) {
    if (options[field] && options[field] !== metadata[field]) {
      const why = `Precondition failed: its ${field} is ${metadata[field]}, not ${options[field]}`;
      throw ApiError.conflict(resource, metadata.name, why);
    }
  }
}

/** A policy given now replaces one given earlier; none given leaves what is there. */
function finalizersAfter(finalizers: string[], policy: PropagationPolicy | undefined): string[] {
  if (policy === undefined) {
    return finalizers;
  }
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND);
  return policy === 'Foreground' ? [...others, FOREGROUND] : others;
}

/** Only a pod that a kubelet runs is deleted gracefully: the kubelet ends its processes and then deletes it with 0. */
function gracePeriod(resource: Resource, { spec, status }: KubeObject, asked: number | undefined): number {
  if (resource.kind !== 'Pod') {
    return 0;
  }
  const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  const running = status?.phase === 'Running' || status?.startTime !== undefined;
  if (ended || (!spec?.nodeName && !running)) {
    return 0;
  }
  return Math.max(0, asked ?? spec?.terminationGracePeriodSeconds ?? 30);
}
