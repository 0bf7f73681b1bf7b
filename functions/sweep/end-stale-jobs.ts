/** Ends and deletes Jobs that nothing else would end or delete. */
import { isWaiting } from '#shared/builds/admission.ts';
import { disruptedTooOften, endJob, waitedTooLong } from '#shared/builds/end-job.ts';
import { awaitsTerminalEvent, isOver, milliseconds } from '#shared/builds/job-state.ts';
import { podsOf, wasEvicted } from '#shared/builds/pod-results.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import { DAY } from '#shared/durations.ts';
import { PROCESSED_ANNOTATION, readEnded } from '#shared/specs/annotations.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Run, Step } from './dependencies.ts';

interface Needs extends Step {
  cluster: Pick<Cluster, 'getJob' | 'patchJob' | 'deleteJob' | 'listPods'>;
}

/** A pod that its node ended is no attempt of the Job: its podFailurePolicy ignores it. So this is what bounds them. */
const MAX_EVICTIONS = 5;

export async function endStaleJobs(run: Needs & Pick<Run, 'jobs'>): Promise<void> {
  const before = run.now().getTime() - DAY;
  const present = (await run.jobs()).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  await finishEnding(run, present);
  await endWaiting(run, present, before);
  await endEvicted(run, present);
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

/** Pods that a drain deleted are gone and not counted: it is the node's kubelet that a build can provoke. */
async function endEvicted({ cluster, report, now }: Needs, jobs: JobMetadata[]): Promise<void> {
  const running = jobs.filter((job) => awaitsTerminalEvent(job) && !isWaiting(job) && readEnded(job) === undefined);
  await forEachInBatch(takeBatch(running, now()), { report, nameOf }, async ({ metadata }) => {
    const name = metadata?.name ?? '';
    const evicted = (await cluster.listPods(`batch.kubernetes.io/job-name=${name}`)).filter(wasEvicted);
    if (evicted.length < MAX_EVICTIONS) {
      return;
    }
    const job = await cluster.getJob(name);
    const own = job ? podsOf(job, evicted) : [];
    if (job && job.metadata?.uid === metadata?.uid && own.length >= MAX_EVICTIONS && !isOver(job)) {
      await endJob(cluster, name, metadata?.uid, disruptedTooOften(own.length, own.at(-1)?.status?.message));
      report.did('jobs_ended', name);
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
