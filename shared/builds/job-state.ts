/** The state of a Job, by its metadata and conditions alone, without its pods. */
import type { V1Job } from '@kubernetes/client-node';
import { PROCESSED_ANNOTATION, readEnded, TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';

export type JobCondition = 'Complete' | 'Failed';

export function conditionOf(job: V1Job, type: JobCondition) {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/**
 * Whether the build is over: finished, ended early, being deleted, or its end processed although its pod still runs.
 */
export function isOver(job: V1Job): boolean {
  return (
    isFinished(job) ||
    readEnded(job) !== undefined ||
    job.metadata?.deletionTimestamp !== undefined ||
    !awaitsTerminalEvent(job)
  );
}

/** Whether the Job controller says so. */
export function isFinished(job: V1Job): boolean {
  return conditionOf(job, 'Complete') !== undefined || conditionOf(job, 'Failed') !== undefined;
}

export function awaitsTerminalEvent(job: V1Job): boolean {
  return job.metadata?.finalizers?.includes(TERMINAL_EVENT_FINALIZER) ?? false;
}

/** Milliseconds since the epoch; undefined while the build is not over. */
export function overSince(job: V1Job): number | undefined {
  if (!isOver(job)) {
    return undefined;
  }
  const { status, metadata } = job;
  const failed = conditionOf(job, 'Failed')?.lastTransitionTime;
  const ended = milliseconds(status?.completionTime ?? failed ?? metadata?.deletionTimestamp);
  const processed = milliseconds(metadata?.annotations?.[PROCESSED_ANNOTATION]);
  return Math.min(ended ?? processed ?? Date.now(), processed ?? Number.POSITIVE_INFINITY);
}

/** Takes both, since the typed client makes Dates of the API's strings. */
export function milliseconds(time: Date | string | undefined): number | undefined {
  const value = time === undefined ? Number.NaN : new Date(time).getTime();
  return Number.isNaN(value) ? undefined : value;
}
