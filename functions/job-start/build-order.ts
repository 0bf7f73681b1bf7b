/** The order of one parser's builds: by when their source was seen, not by when their events arrive. */
import type { V1Job } from '@kubernetes/client-node';
import { cancelled, endJob, superseded } from '#shared/builds/end-job.ts';
import { awaitsTerminalEvent, isFinished } from '#shared/builds/job-state.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { Identity } from '#shared/events/identity.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { type Ended, isOf, observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { buildsOf } from '#shared/specs/labels.ts';
import { functionName } from '#shared/specs/names.ts';
import type { JobStartDependencies, JobStartEvent } from './dependencies.ts';

/** Why this build must not begin: its function was deleted, or a newer source was seen, since it was asked for. */
export async function reasonNotToBuild(
  { data }: JobStartEvent,
  { store, cluster, settings }: JobStartDependencies,
): Promise<Ended | undefined> {
  const observed = Date.parse(data.observed_at);
  const { tombstone } = await readTombstone(store, settings.temporaryBucket, data);
  if (isTombstoned(tombstone, observed)) {
    return cancelled(undefined);
  }
  const service = await cluster.getService(functionName(data));
  if (service && !isOf(data, service)) {
    throw new PermanentError(
      'Refused',
      `the name ${functionName(data)} is taken by another function: choose another parser_id, then send build.start again`,
    );
  }
  const others = [...(await jobsOf(data, cluster)), ...(service ? [service] : [])];
  // The same content seen again is no newer source: of twenty requests at once the nineteen others share the first one's Job.
  const isOther = (object: Parameters<typeof readBuild>[0]) => readBuild(object)?.build_key !== data.build_key;
  const newer = others.find((other) => observedAt(other) > observed && isOther(other));
  return newer && superseded(told(newer));
}

/**
 * Of several builds of one parser the newest goes on. Each looks around only after its own Job is there, so of two that begin at
 * once at least one sees the other:
 *
 *      older:  ──┼ create ───────────────┼ list: sees the newer, ends itself ─▶
 *      newer:  ─────────┼ create ──┼ list: sees the older, ends it ──────────▶     (the first reason given stays)
 *
 * The same with a tombstone: service-delete writes it before it lists the Jobs.
 */
export async function supersedeOlderBuilds(
  { data }: JobStartEvent,
  name: string,
  { store, cluster, settings }: JobStartDependencies,
): Promise<void> {
  const jobs = await jobsOf(data, cluster);
  const own = jobs.find(({ metadata }) => metadata?.name === name);
  if (!own) {
    return;
  }
  const end = (job: V1Job, ended: Ended) => endJob(cluster, job.metadata?.name ?? '', job.metadata?.uid, ended);
  const { tombstone } = await readTombstone(store, settings.temporaryBucket, data);
  const newer = jobs.find((other) => observedAt(other) > observedAt(own));
  const obstacle = isTombstoned(tombstone, observedAt(own)) ? cancelled(undefined) : newer && superseded(told(newer));
  const reason = readEnded(own) ?? obstacle;
  if (reason && goesOn(own)) {
    await end(own, reason);
  }
  for (const older of jobs.filter((other) => observedAt(other) < observedAt(own) && goesOn(other))) {
    await end(older, superseded(told(own)));
  }
}

/** Also one that somebody has given a reason and then, crashing, not deleted. */
function goesOn(job: V1Job): boolean {
  return !isFinished(job) && awaitsTerminalEvent(job) && job.metadata?.deletionTimestamp === undefined;
}

/** Label values can coincide where ids differ; the annotations hold the ids themselves. */
async function jobsOf(identity: Identity, cluster: Cluster): Promise<V1Job[]> {
  const jobs = await cluster.listJobs(buildsOf(identity));
  return jobs.filter((job) => isOf(identity, job));
}

function told(newer: Parameters<typeof readBuild>[0]): { correlation_id: string; observed_at: string } {
  const build = readBuild(newer);
  return {
    correlation_id: build?.correlation_id ?? 'another request',
    observed_at: build?.observed_at ?? 'a later time',
  };
}
