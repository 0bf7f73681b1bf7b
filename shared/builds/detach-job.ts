/** Takes a Job from the request that made it, and that was answered otherwise meanwhile. */
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { deriveId } from '#shared/events/event.ts';
import { buildAnnotations, readBuild } from '#shared/specs/annotations.ts';

/** It builds on for whoever has joined it, and ends under ids that are no request's own. */
export async function detachJob(cluster: Cluster, name: string, eventId: string): Promise<void> {
  await retryConflicts(async () => {
    const job = await cluster.getJob(name);
    const build = job && readBuild(job);
    if (build?.event_id === eventId) {
      const nobody = deriveId(eventId, 'disowned');
      const annotations = buildAnnotations({ ...build, event_id: nobody, correlation_id: nobody });
      await cluster.patchJob(name, { metadata: { resourceVersion: job?.metadata?.resourceVersion, annotations } });
    }
  });
}
