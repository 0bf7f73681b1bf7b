/** What became of a Job's pods, also of those that are gone. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Job } from './job.ts';
import { judgeFailure } from './pod-failure-policy.ts';

/**
 * In a cluster a finalizer (batch.kubernetes.io/job-tracking) keeps each pod until it is counted, since the controller
 * may be down when it ends. Here the controller lives exactly as long as the API and sees every change, so a memory
 * will do, and, for one that was killed, the Job's status and the pods that there are.
 */
export interface JobHistory {
  succeeded: number;
  failed: number;
  /** Since the last success: what the back-off grows with. */
  failuresInARow: number;
  /** Milliseconds since the epoch. */
  lastFailureAt: number;
  /** A podFailurePolicy's reason to fail the Job. */
  failJob: string | undefined;
  /** Exact start, where it began under our eyes; the status knows whole seconds. */
  startedAt: number | undefined;
  /** Uids of the pods that are in the numbers. */
  counted: Set<string>;
}

/**
 * For a Job that may have run before the platform was started: its status has the numbers, and of `pods` those that
 * ended first are in them. Those that ended after the status was written are counted next.
 */
export function createHistory(job: Job, pods: readonly KubeObject[]): JobHistory {
  const { succeeded = 0, failed = 0 } = job.status ?? {};
  const first = (phase: string, count: number) =>
    pods
      .filter((pod) => pod['status']?.phase === phase && judgeFailure(job, pod).action !== 'Ignore')
      .sort(byAge)
      .slice(0, count);
  const known = [...first('Succeeded', succeeded), ...first('Failed', failed)];
  return {
    succeeded,
    failed,
    failuresInARow: failed,
    lastFailureAt: 0,
    failJob: undefined,
    startedAt: undefined,
    counted: new Set(known.map(uidOf)),
  };
}

export function isOver(pod: KubeObject): boolean {
  return pod['status']?.phase === 'Succeeded' || pod['status']?.phase === 'Failed';
}

/** Takes a pod into account once it has ended. */
export function countEnded(history: JobHistory, job: Job, pod: KubeObject, now: number): void {
  if (!isOver(pod) || history.counted.has(uidOf(pod))) {
    return;
  }
  history.counted.add(uidOf(pod));
  if (pod['status'].phase === 'Succeeded') {
    history.succeeded++;
    history.failuresInARow = 0;
    return;
  }
  // Ended because the Job is suspended: not the pod's fault.
  if (job.spec.suspend === true && pod.metadata.deletionTimestamp !== undefined) {
    return;
  }
  const verdict = judgeFailure(job, pod);
  if (verdict.action === 'Ignore') {
    return;
  }
  if (verdict.action === 'FailJob') {
    history.failJob ??= verdict.message;
  }
  countFailure(history, now);
}

/** A pod that was removed before it ended counts as failed, as in Kubernetes. */
export function countRemoved(history: JobHistory, job: Job, pod: KubeObject, now: number): void {
  countEnded(history, job, pod, now);
  if (history.counted.has(uidOf(pod))) {
    return;
  }
  history.counted.add(uidOf(pod));
  if (job.spec.suspend !== true) {
    countFailure(history, now);
  }
}

function countFailure(history: JobHistory, now: number): void {
  history.failed++;
  history.failuresInARow++;
  history.lastFailureAt = now;
}

/** resourceVersions grow with time: a pod that has ended changes no more. */
function byAge(a: KubeObject, b: KubeObject): number {
  return Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion);
}

function uidOf(pod: KubeObject): string {
  return pod.metadata.uid ?? '';
}
