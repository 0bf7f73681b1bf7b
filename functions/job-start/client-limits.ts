/** How many builds one client may ask for. Its Jobs are the count, so it holds across pods, and a cold start knows it. */
import { isWaiting } from '#shared/builds/admission.ts';
import { milliseconds } from '#shared/builds/job-state.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { tenantOf } from '#shared/specs/annotations.ts';
import { clientSelector } from '#shared/specs/labels.ts';

export interface ClientLimits {
  /** Builds that wait for a slot. */
  waiting: number;
  /** Builds begun within a minute. */
  perMinute: number;
}

export interface OverLimit {
  message: string;
  /** Seconds. */
  retryAfter: number;
}

const MINUTE = 60_000;
/** Nobody knows how long the builds before it take; a minute is short for any that could have filled the line. */
const LINE_RETRY_SECONDS = 60;

/**
 * Undefined where there is room. Of several events handled at the same moment each may find the last place free: the limits protect the
 * cluster's memory, so a few more do no harm, while a lock would make every build of a client wait for every other.
 */
export async function overLimit(
  cluster: Pick<Cluster, 'listJobMetadata'>,
  { third_party_id }: JobStart,
  limits: ClientLimits,
  now: Date,
): Promise<OverLimit | undefined> {
  const jobs = (await cluster.listJobMetadata(clientSelector({ third_party_id }))).filter(
    (job) => tenantOf(job) === third_party_id,
  );
  const waiting = jobs.filter(isWaiting).length;
  if (waiting >= limits.waiting) {
    return {
      message: `${waiting} builds of ${third_party_id} are waiting, and no more than ${limits.waiting} may (MAX_WAITING_BUILDS_PER_CLIENT). ${comeBack(LINE_RETRY_SECONDS)}`,
      retryAfter: LINE_RETRY_SECONDS,
    };
  }
  const begun = jobs.map(created).filter((time) => time > now.getTime() - MINUTE);
  if (begun.length >= limits.perMinute) {
    const free = begun.sort((a, b) => b - a)[limits.perMinute - 1] ?? now.getTime();
    const retryAfter = Math.max(1, Math.ceil((free + MINUTE - now.getTime()) / 1000));
    return {
      message: `${begun.length} builds of ${third_party_id} were begun in the last minute, and no more than ${limits.perMinute} may be (MAX_BUILDS_PER_CLIENT_PER_MINUTE). ${comeBack(retryAfter)}`,
      retryAfter,
    };
  }
  return undefined;
}

function comeBack(seconds: number): string {
  return `Send build.start again in ${seconds} s`;
}

function created(job: JobMetadata): number {
  return milliseconds(job.metadata?.creationTimestamp) ?? 0;
}
