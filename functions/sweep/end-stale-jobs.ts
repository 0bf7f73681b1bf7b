/** Jobs that nobody else would ever end or delete. */
import type { V1Job } from '@kubernetes/client-node';
import { endJob, waitedTooLong } from '#shared/build/end-job.ts';
import { awaitsTerminalEvent, isFinished, isOver, milliseconds, overSince } from '#shared/build/job-state.ts';
import { readEnded } from '#shared/specs/annotations.ts';
import type { Run } from './handler.ts';
import { each, share } from './take-turns.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * In this order: whoever ended a Job and died before deleting it left its reason there; a build that has waited for a day has its client's answer
 * to give; what Kubernetes should have removed after an hour (ttlSecondsAfterFinished) only fills the quota.
 */
export async function endStaleJobs({ jobs, cluster, report, now }: Run): Promise<void> {
  const time = now();
  const before = time.getTime() - DAY;
  const present = (await jobs()).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const nameOf = ({ metadata }: V1Job) => metadata?.name ?? '';

  const halfEnded = present.filter((job) => readEnded(job) !== undefined);
  const waiting = present.filter((job) => isWaitingSince(job, before));
  const forgotten = present.filter(
    (job) => isFinished(job) && !awaitsTerminalEvent(job) && (overSince(job) ?? Infinity) <= before,
  );
  await each(share([...halfEnded, ...waiting], time), { report, nameOf }, async (job) => {
    await endJob(cluster, nameOf(job), job.metadata?.uid, readEnded(job) ?? waitedTooLong());
    report.did('jobs_ended', nameOf(job));
  });
  await each(share(forgotten, time), { report, nameOf }, async (job) => {
    if (await cluster.deleteJob(nameOf(job), job.metadata?.uid)) {
      report.did('jobs_deleted', nameOf(job));
    }
  });
}

function isWaitingSince(job: V1Job, time: number): boolean {
  return (
    job.spec?.suspend === true && !isOver(job) && (milliseconds(job.metadata?.creationTimestamp) ?? Infinity) <= time
  );
}
