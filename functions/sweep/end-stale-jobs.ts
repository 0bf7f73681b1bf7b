/** Jobs that nobody else would ever end or delete. */
import { endJob, waitedTooLong } from '#shared/builds/end-job.ts';
import { awaitsTerminalEvent, isOver, milliseconds } from '#shared/builds/job-state.ts';
import type { JobMetadata } from '#shared/clients/cluster.ts';
import { PROCESSED_ANNOTATION, readEnded } from '#shared/specs/annotations.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Run } from './dependencies.ts';

const DAY = 86_400_000;

export async function endStaleJobs(run: Run): Promise<void> {
  const before = run.now().getTime() - DAY;
  const present = (await run.jobs()).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  await finishEnding(run, present);
  await endWaiting(run, present, before);
  await deleteProcessed(run, present, before);
}

/** Whoever ends a Job leaves the reason there, then deletes it; this one died in between. */
async function finishEnding({ cluster, report, now }: Run, jobs: JobMetadata[]): Promise<void> {
  const told = jobs.filter((job) => readEnded(job) !== undefined);
  await forEachInBatch(takeBatch(told, now()), { report, nameOf }, async (job) => {
    if (await cluster.deleteJob(nameOf(job), job.metadata?.uid)) {
      report.did('jobs_ended', nameOf(job));
    }
  });
}

/** Also where Kueue decides, whose waiting Jobs only their `suspend` tells from those that run. */
async function endWaiting({ cluster, report, now }: Run, jobs: JobMetadata[], before: number): Promise<void> {
  const old = jobs.filter(
    (job) => awaitsTerminalEvent(job) && (milliseconds(job.metadata?.creationTimestamp) ?? Infinity) <= before,
  );
  await forEachInBatch(takeBatch(old, now()), { report, nameOf }, async ({ metadata }) => {
    const job = await cluster.getJob(metadata?.name ?? '');
    if (job?.metadata?.uid === metadata?.uid && job?.spec?.suspend === true && !isOver(job)) {
      await endJob(cluster, nameOf(job), job.metadata?.uid, waitedTooLong());
      report.did('jobs_ended', nameOf(job));
    }
  });
}

/** Kubernetes deletes a finished Job after an hour (ttlSecondsAfterFinished). One that stays all the same fills the quota. */
async function deleteProcessed({ cluster, report, now }: Run, jobs: JobMetadata[], before: number): Promise<void> {
  const processed = jobs.filter(
    (job) =>
      !awaitsTerminalEvent(job) &&
      (milliseconds(job.metadata?.annotations?.[PROCESSED_ANNOTATION]) ?? Infinity) <= before,
  );
  await forEachInBatch(takeBatch(processed, now()), { report, nameOf }, async (job) => {
    if (await cluster.deleteJob(nameOf(job), job.metadata?.uid)) {
      report.did('jobs_deleted', nameOf(job));
    }
  });
}
