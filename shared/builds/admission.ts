/** Which of the waiting builds come next. Pure: the Jobs themselves are the queue, so whoever looks at the same Jobs comes to the same order. */
import type { V1Job } from '@kubernetes/client-node';
import type { JobMetadata } from '#shared/clients/cluster.ts';
import { priorityOf, readEnded, tenantOf } from '#shared/specs/annotations.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { isFinished, milliseconds } from './job-state.ts';

/** Until it is finished; one that is being deleted, until its pods have gone: foreground deletion keeps it that long. */
export function holdsSlot(job: V1Job): boolean {
  return job.metadata?.deletionTimestamp === undefined
    ? !isFinished(job)
    : (job.metadata.finalizers ?? []).includes('foregroundDeletion');
}

/** Not one that has been told to end: it will not run any more. */
export function isWaiting(job: JobMetadata): boolean {
  return (
    job.metadata?.labels?.[ADMISSION_LABEL] === 'waiting' &&
    job.metadata.deletionTimestamp === undefined &&
    readEnded(job) === undefined
  );
}

/**
 * The order in which waiting builds get the slots that become free, at most `count` of them: fewest running builds of its tenant first, then
 * priority (1 before 10), then age. Each choice counts as running for the next, so that one tenant's 500 builds do not hold up another's first.
 */
export function nextBuilds(waiting: JobMetadata[], running: JobMetadata[], count = waiting.length): JobMetadata[] {
  const taken = new Map<string, number>();
  for (const job of running) {
    taken.set(tenantOf(job), (taken.get(tenantOf(job)) ?? 0) + 1);
  }
  const lines = new Map<string, JobMetadata[]>();
  for (const job of waiting.toSorted(byPriorityAndAge)) {
    lines.set(tenantOf(job), [...(lines.get(tenantOf(job)) ?? []), job]);
  }
  const order: JobMetadata[] = [];
  while (order.length < count && lines.size > 0) {
    const heads = [...lines].map(([tenant, [job]]) => ({
      tenant,
      job: job as JobMetadata,
      running: taken.get(tenant) ?? 0,
    }));
    const next = heads.reduce((best, head) =>
      (head.running - best.running || byPriorityAndAge(head.job, best.job)) < 0 ? head : best,
    );
    order.push(next.job);
    taken.set(next.tenant, next.running + 1);
    const line = lines.get(next.tenant) ?? [];
    line.shift();
    if (line.length === 0) {
      lines.delete(next.tenant);
    }
  }
  return order;
}

function byPriorityAndAge(a: JobMetadata, b: JobMetadata): number {
  return (
    priorityOf(a) - priorityOf(b) ||
    created(a) - created(b) ||
    (a.metadata?.name ?? '').localeCompare(b.metadata?.name ?? '')
  );
}

function created(job: JobMetadata): number {
  return milliseconds(job.metadata?.creationTimestamp) ?? 0;
}
