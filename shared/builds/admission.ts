/**
 * Which waiting builds are admitted next. Pure: the Jobs are the queue, and the same Jobs always give the same order.
 */
import type { V1Job } from '@kubernetes/client-node';
import type { JobMetadata } from '#shared/clients/cluster.ts';
import { priorityOf, readEnded, tenantOf } from '#shared/specs/annotations.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { isFinished, milliseconds } from './job-state.ts';

/**
 * True until the Job is finished. While it is being deleted, true until its pods are gone: foreground deletion keeps it
 * that long.
 */
export function holdsSlot(job: V1Job): boolean {
  return job.metadata?.deletionTimestamp === undefined
    ? !isFinished(job)
    : (job.metadata.finalizers ?? []).includes('foregroundDeletion');
}

/** False for a Job that carries a reason to end: it will not run any more. */
export function isWaiting(job: JobMetadata): boolean {
  return (
    job.metadata?.labels?.[ADMISSION_LABEL] === 'waiting' &&
    job.metadata.deletionTimestamp === undefined &&
    readEnded(job) === undefined
  );
}

/**
 * The waiting builds in the order in which they get free slots, at most `count` of them. First come the builds of the
 * tenant with the fewest running builds, then priority decides (1 before 10), then age. Each chosen build counts as
 * running for the next choice, so that 500 builds of one tenant do not delay the first build of another.
 */
export function nextBuilds(waiting: JobMetadata[], running: JobMetadata[], count = waiting.length): JobMetadata[] {
  const runningOf = new Map<string, number>();
  for (const job of running) {
    runningOf.set(tenantOf(job), (runningOf.get(tenantOf(job)) ?? 0) + 1);
  }
  const queues = new Map<string, JobMetadata[]>();
  for (const job of waiting.toSorted(byPriorityAndAge)) {
    queues.set(tenantOf(job), [...(queues.get(tenantOf(job)) ?? []), job]);
  }
  const order: JobMetadata[] = [];
  while (order.length < count && queues.size > 0) {
    const heads = [...queues].map(([tenant, [job]]) => ({
      tenant,
      job: job as JobMetadata,
      running: runningOf.get(tenant) ?? 0,
    }));
    const next = heads.reduce((best, head) =>
      (head.running - best.running || byPriorityAndAge(head.job, best.job)) < 0 ? head : best,
    );
    order.push(next.job);
    runningOf.set(next.tenant, next.running + 1);
    const queue = queues.get(next.tenant) ?? [];
    queue.shift();
    if (queue.length === 0) {
      queues.delete(next.tenant);
    }
  }
  return order;
}

function byPriorityAndAge(a: JobMetadata, b: JobMetadata): number {
  return (
    priorityOf(a) - priorityOf(b) ||
    createdAt(a) - createdAt(b) ||
    (a.metadata?.name ?? '').localeCompare(b.metadata?.name ?? '')
  );
}

function createdAt(job: JobMetadata): number {
  return milliseconds(job.metadata?.creationTimestamp) ?? 0;
}
