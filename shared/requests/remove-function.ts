/** Deletes a parser's Trigger and Service, as far as they are of builds that are to be forgotten. */
import type { Cluster, KnativeObject, ObjectVersion } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import type { Identity } from '#shared/events/identity.ts';
import { isOf, observedAt } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import type { Deleted } from './tombstone.ts';

/** What there is to delete of sources seen at `until` (milliseconds since the epoch) or before: a newer build's objects are not. */
export async function findFunction(cluster: Cluster, identity: Identity, until: number): Promise<Deleted> {
  const name = functionName(identity);
  const trigger = await cluster.getTrigger(name);
  const service = await cluster.getService(name);
  return [
    ...(isMeant(trigger, identity, until) ? [{ kind: 'Trigger', name }] : []),
    ...(isMeant(service, identity, until) ? [{ kind: 'Service', name }] : []),
  ];
}

/**
 * The Trigger first, so that no event is sent to a function that is going. Each delete names the version that was looked at: a newer build
 * may be deployed at this very moment.
 */
export async function removeFunction(cluster: Cluster, identity: Identity, until: number): Promise<void> {
  const name = functionName(identity);
  await retryConflicts(async () => {
    const trigger = await cluster.getTrigger(name);
    if (isMeant(trigger, identity, until)) {
      await cluster.deleteTrigger(name, versionOf(trigger));
    }
  });
  await retryConflicts(async () => {
    const service = await cluster.getService(name);
    if (isMeant(service, identity, until)) {
      await cluster.deleteService(name, versionOf(service));
    }
  });
}

function isMeant(object: KnativeObject | undefined, identity: Identity, until: number): object is KnativeObject {
  return object !== undefined && isOf(identity, object) && observedAt(object) <= until;
}

function versionOf({ metadata }: KnativeObject): ObjectVersion {
  return { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' };
}
