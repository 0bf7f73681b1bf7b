/** Orders the builds of one parser by when their source was seen, whatever the order in which their events arrive. */
import { cancelled, endJob, superseded } from '#shared/builds/end-job.ts';
import { endOlderBuilds, isActive, jobsOf } from '#shared/builds/older-builds.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { isTombstoned, readTombstone } from '#shared/requests/tombstone.ts';
import { type Ended, isOf, observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';

interface Tombstones {
  store: Pick<ObjectStore, 'read'>;
  settings: { temporaryBucket: string };
}

type Annotated = Parameters<typeof readBuild>[0];

/**
 * Undefined where the build may begin. It may not where, since its source was seen, its function was deleted or a newer
 * source was seen. Throws PermanentError('Refused') where another parser's function has the same name.
 */
export async function reasonNotToBuild(
  { data }: ReceivedEvent<JobStart>,
  { store, cluster, settings }: Tombstones & { cluster: Pick<Cluster, 'getService' | 'listJobs'> },
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
  const newer = others.find((other) => isNewer(other, observed, data.build_key));
  return newer && superseded(requestOf(newer));
}

/**
 * Only the newest of a parser's builds goes on. Each request lists the Jobs after it has created its own, so of two
 * that begin at the same time at least one sees the other. The first reason that is written on a Job stays:
 *
 *      older:  ──┼ create ───────────────┼ list: sees the newer, ends itself ─▶
 *      newer:  ─────────┼ create ──┼ list: sees the older, ends it ──────────▶
 *
 * A tombstone works the same way: service-delete writes it before it lists the Jobs. So does a newer image that needed
 * no Job: build-complete applies its Service before it lists the Jobs.
 */
export async function supersedeOlderBuilds(
  { id, data }: ReceivedEvent<JobStart>,
  name: string,
  {
    store,
    cluster,
    settings,
  }: Tombstones & { cluster: Pick<Cluster, 'getJob' | 'listJobs' | 'patchJob' | 'deleteJob' | 'getService'> },
): Promise<void> {
  const jobs = await jobsOf(data, cluster);
  const own = jobs.find(({ metadata }) => metadata?.name === name);
  if (!own) {
    return;
  }
  const [{ tombstone }, service] = await Promise.all([
    readTombstone(store, settings.temporaryBucket, data),
    cluster.getService(functionName(data)),
  ]);
  const others = [...jobs, ...(service && isOf(data, service) ? [service] : [])];
  const newer = others.find((other) => isNewer(other, observedAt(own), data.build_key));
  const obstacle = isTombstoned(tombstone, observedAt(own))
    ? cancelled(undefined)
    : newer && superseded(requestOf(newer));
  const reason = readEnded(own) ?? obstacle;
  if (reason && isActive(own)) {
    await endJob(cluster, name, own.metadata?.uid, reason);
  }
  await endOlderBuilds(jobs, { ...requestOf(own), build_key: data.build_key, end: terminalId(id) }, cluster);
}

/** The same content, seen again, is no newer source: of twenty requests at once, nineteen join the Job of the first. */
function isNewer(other: Annotated, observed: number, buildKey: string): boolean {
  return observedAt(other) > observed && readBuild(other)?.build_key !== buildKey;
}

function requestOf(newer: Annotated): { correlation_id: string; observed_at: string } {
  const build = readBuild(newer);
  return {
    correlation_id: build?.correlation_id ?? 'another request',
    observed_at: build?.observed_at ?? 'a later time',
  };
}
