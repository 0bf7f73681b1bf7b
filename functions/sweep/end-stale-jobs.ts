/** Ends and deletes Jobs that nothing else would end or delete. */
import { endJob, waitedTooLong } from '#shared/builds/end-job.ts';
import { awaitsTerminalEvent, isOver, milliseconds } from '#shared/builds/job-state.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import { DAY } from '#shared/durations.ts';
import { PROCESSED_ANNOTATION, readEnded } from '#shared/specs/annotations.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Run, Step } from './dependencies.ts';

interface Needs extends Step {
  cluster: Pick<Cluster, 'getJob' | 'patchJob' | 'deleteJob'>;
}

export async function endStaleJobs(run: Needs & Pick<Run, 'jobs'>): Promise<void> {
  const before = run.now().getTime() - DAY;
  const present = (await run.jobs()).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  await finishEnding(run, present);
  await endWaiting(run, present, before);
  await deleteProcessed(run, present, before);
}

/** A Job is ended in two steps: the reason is written, then it is deleted. Here the second step is missing. */
async function finishEnding({ cluster, report, now }: Needs, jobs: JobMetadata[]): Promise<void> {
  const ended = jobs.filter((job) => readEnded(job) !== undefined);
  await forEachInBatch(takeBatch(ended, now()), { report, nameOf }, async (job) => {
    if (await cluster.deleteJob(nameOf(job), job.metadata?.uid)) {
      report.did('jobs_ended', nameOf(job));
    }
  });
}

/** Reads each Job: where Kueue decides, only `suspend` tells a waiting Job from one that runs. */
async function endWaiting({ cluster, report, now }: Needs, jobs: JobMetadata[], before: number): Promise<void> {
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

/**
 * Kubernetes deletes a finished Job after an hour (ttlSecondsAfterFinished). A Job that it has not deleted uses up the
 * quota.
 */
async function deleteProcessed({ cluster, report, now }: Needs, jobs: JobMetadata[], before: number): Promise<void> {
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
