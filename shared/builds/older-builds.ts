/** Ends the Jobs of a parser's older sources, once a newer one goes on. */
import type { V1Job } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { Identity } from '#shared/events/identity.ts';
import { isOf, observedAt, readBuild } from '#shared/specs/annotations.ts';
import { buildsOf } from '#shared/specs/labels.ts';
import { detachJob } from './detach-job.ts';
import { endJob, superseded } from './end-job.ts';
import { awaitsTerminalEvent, isFinished } from './job-state.ts';
import { terminalId } from './terminal-event.ts';

export interface NewerBuild {
  build_key: string;
  observed_at: string;
  correlation_id: string;
  /** The id of the build.complete that ends the request. */
  end: string;
}

/** Different ids can have the same label value. The annotations hold the ids themselves. */
export async function jobsOf(identity: Identity, cluster: Pick<Cluster, 'listJobs'>): Promise<V1Job[]> {
  const jobs = await cluster.listJobs(buildsOf(identity));
  return jobs.filter((job) => isOf(identity, job));
}

/** A Job of the same content is spared: that was seen again, and is no newer source. */
export async function endOlderBuilds(
  jobs: V1Job[],
  newer: NewerBuild,
  cluster: Pick<Cluster, 'getJob' | 'patchJob' | 'deleteJob'>,
): Promise<void> {
  const observed = Date.parse(newer.observed_at);
  for (const older of jobs.filter((job) => observedAt(job) < observed && isActive(job))) {
    const { name = '', uid } = older.metadata ?? {};
    const { event_id = '', build_key } = readBuild(older) ?? {};
    if (build_key === newer.build_key) {
      continue;
    }
    if (terminalId(event_id) === newer.end) {
      // An earlier delivery of this very request has begun it. The request ends with the newer one, and only once.
      await detachJob(cluster, name, event_id);
    }
    await endJob(cluster, name, uid, superseded(newer));
  }
}

/**
 * Also true of a Job whose reason to end is written already. Its writer may have crashed before it deleted the Job.
 */
export function isActive(job: V1Job): boolean {
  return !isFinished(job) && awaitsTerminalEvent(job) && job.metadata?.deletionTimestamp === undefined;
}
