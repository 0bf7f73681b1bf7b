/**
 * How many builds one client may ask for. The client's Jobs are counted, so the limits hold across pods and after a
 * cold start.
 */
import { isWaiting } from '#shared/builds/admission.ts';
import { milliseconds } from '#shared/builds/job-state.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import { MINUTE } from '#shared/durations.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { tenantOf } from '#shared/specs/annotations.ts';
import { clientSelector } from '#shared/specs/labels.ts';

export interface ClientLimits {
  /** Builds that wait for a slot. */
  waiting: number;
  /** Builds begun within a minute. */
  perMinute: number;
}

export interface ExceededLimit {
  message: string;
  /** Seconds. */
  retryAfter: number;
}

/** How long the waiting builds take is unknown. Builds that could fill the queue take longer than a minute. */
const QUEUE_RETRY_SECONDS = 60;

/**
 * Undefined while no limit is reached. Events that are handled at the same moment may each find the last place free.
 * That is accepted: the limits protect the cluster's memory, to which a few builds more do no harm, while a lock would
 * serialize all builds of a client.
 */
export async function exceededLimit(
  cluster: Pick<Cluster, 'listJobMetadata'>,
  { third_party_id }: JobStart,
  limits: ClientLimits,
  now: Date,
): Promise<ExceededLimit | undefined> {
  const jobs = (await cluster.listJobMetadata(clientSelector({ third_party_id }))).filter(
    (job) => tenantOf(job) === third_party_id,
  );
  const waiting = jobs.filter(isWaiting).length;
  if (waiting >= limits.waiting) {
    return {
      message: `${waiting} builds of ${third_party_id} are waiting, and no more than ${limits.waiting} may (MAX_WAITING_BUILDS_PER_CLIENT). ${retryAdvice(QUEUE_RETRY_SECONDS)}`,
      retryAfter: QUEUE_RETRY_SECONDS,
    };
  }
  const begun = jobs.map(createdAt).filter((time) => time > now.getTime() - MINUTE);
  if (begun.length >= limits.perMinute) {
    const oldestCounted = begun.sort((a, b) => b - a)[limits.perMinute - 1] ?? now.getTime();
    const retryAfter = Math.max(1, Math.ceil((oldestCounted + MINUTE - now.getTime()) / 1000));
    return {
      message: `${begun.length} builds of ${third_party_id} were begun in the last minute, and no more than ${limits.perMinute} may be (MAX_BUILDS_PER_CLIENT_PER_MINUTE). ${retryAdvice(retryAfter)}`,
      retryAfter,
    };
  }
  return undefined;
}

function retryAdvice(seconds: number): string {
  return `Send build.start again in ${seconds} s`;
}

function createdAt(job: JobMetadata): number {
  return milliseconds(job.metadata?.creationTimestamp) ?? 0;
}
