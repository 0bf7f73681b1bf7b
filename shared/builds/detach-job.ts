/**
 * Detaches a Job from the request that created it, where another delivery of that request has been answered
 * differently.
 */
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { deriveId } from '#shared/events/event.ts';
import { buildAnnotations, readBuild } from '#shared/specs/annotations.ts';

/**
 * The Job goes on for the requests that have joined it. Its own terminal event then has an id that belongs to no
 * request.
 */
export async function detachJob(
  cluster: Pick<Cluster, 'getJob' | 'patchJob'>,
  name: string,
  eventId: string,
): Promise<void> {
  await retryConflicts(async () => {
    const job = await cluster.getJob(name);
    const build = job && readBuild(job);
    if (build?.event_id === eventId) {
      const detachedId = deriveId(eventId, 'disowned');
      const annotations = buildAnnotations({ ...build, event_id: detachedId, correlation_id: detachedId });
      await cluster.patchJob(name, { metadata: { resourceVersion: job?.metadata?.resourceVersion, annotations } });
    }
  });
}
