/** Finds and deletes what a parser is deployed as, unless it belongs to a build that is newer than the deletion. */
import type { Cluster, KnativeObject, ObjectVersion } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import type { Identity } from '#shared/events/identity.ts';
import { isOf, observedAt } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import type { Deleted } from './tombstone.ts';

/**
 * Returns the parser's Service, and its Trigger where it has one, if the source was seen at `until` or earlier.
 * A Trigger alone is what an earlier deletion has left to sweep. `until` is in milliseconds since the epoch.
 */
export async function findFunction(
  cluster: Pick<Cluster, 'getTrigger' | 'getService'>,
  identity: Identity,
  until: number,
): Promise<Deleted> {
  const name = functionName(identity);
  const service = await cluster.getService(name);
  if (!isOfOldBuild(service, identity, until)) {
    return [];
  }
  const trigger = await cluster.getTrigger(name);
  return [...(isOfOldBuild(trigger, identity, until) ? [{ kind: 'Trigger', name }] : []), { kind: 'Service', name }];
}

/**
 * Deletes the Service. A Trigger stays until sweep finds that nobody needs it: in its queue calls may wait, each of
 * which is told that the function is gone. The delete names the resourceVersion that was read: a newer build may be
 * deployed at the same moment.
 */
export async function removeFunction(
  cluster: Pick<Cluster, 'getService' | 'deleteService'>,
  identity: Identity,
  until: number,
): Promise<void> {
  const name = functionName(identity);
  await retryConflicts(async () => {
    const service = await cluster.getService(name);
    if (isOfOldBuild(service, identity, until)) {
      await cluster.deleteService(name, versionOf(service));
    }
  });
}

function isOfOldBuild(object: KnativeObject | undefined, identity: Identity, until: number): object is KnativeObject {
  return object !== undefined && isOf(identity, object) && observedAt(object) <= until;
}

function versionOf({ metadata }: KnativeObject): ObjectVersion {
  return { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' };
}
