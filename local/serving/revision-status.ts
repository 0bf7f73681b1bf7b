/** What a revision's pods say about it, in the reasons and words of Knative's revision controller. */
import type { V1ContainerStatus } from '@kubernetes/client-node';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type Condition, conditionOf, keepTransitionTimes } from './conditions.ts';
import { PROGRESS_DEADLINE } from './labels.ts';
import { durationSeconds } from './scaling-settings.ts';

const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;
// A cluster resolves tags before it makes a pod, and for digests waits out the deadline. Here no image appears by
// itself: fail at once.
const IMAGE_PROBLEM = 'ErrImagePull';

export interface RevisionView {
  /** Those that are not being deleted. */
  pods: KubeObject[];
  ready: number;
  desired: number;
  /** Pods that must have been ready together before the revision is. */
  initialScale: number;
  now: Date;
}

export function revisionStatus(revision: KubeObject, view: RevisionView): Record<string, unknown> {
  const before = conditionOf(revision, 'Ready');
  // Ready once is ready for good: what fails later shows on the pods and to the callers, not on the revision.
  const isReady = before?.status === 'True' || view.ready >= view.initialScale;
  const ready: Condition = isReady
    ? { type: 'Ready', status: 'True' }
    : (failure(revision, view) ?? { type: 'Ready', status: 'Unknown', reason: 'Deploying' });
  return {
    observedGeneration: revision.metadata.generation ?? 1,
    conditions: keepTransitionTimes(revision['status']?.conditions, [ready], view.now),
    actualReplicas: view.ready,
    desiredReplicas: view.desired,
  };
}

/** Time is up: such a revision gets no pods any more. */
export function pastProgressDeadline(revision: KubeObject, now: Date): boolean {
  const seconds =
    durationSeconds(revision.metadata.annotations?.[PROGRESS_DEADLINE]) ?? DEFAULT_PROGRESS_DEADLINE_SECONDS;
  return now.getTime() - Date.parse(revision.metadata.creationTimestamp ?? '') > seconds * 1000;
}

function failure(revision: KubeObject, view: RevisionView): Condition | undefined {
  const failed = (reason: string, message = '') =>
    ({ type: 'Ready', status: 'False', reason, message }) satisfies Condition;
  const isLate = pastProgressDeadline(revision, view.now);
  const statuses: V1ContainerStatus[] = view.pods.flatMap((pod) => pod['status']?.containerStatuses ?? []);

  const exit = statuses.find(({ lastState }) => lastState?.terminated)?.lastState?.terminated;
  if (exit) {
    const words = exit.message?.trimEnd() ?? (exit.exitCode === 0 ? 'container exited with no error' : '');
    return failed(`ExitCode${exit.exitCode}`, `Container failed with: ${words}`);
  }
  const waiting = statuses.find(({ state }) => state?.waiting?.reason === IMAGE_PROBLEM || (isLate && state?.waiting));
  if (waiting) {
    return failed(waiting.state?.waiting?.reason ?? '', waiting.state?.waiting?.message);
  }
  // Its pods may be gone or being replaced: what they said still holds until one becomes ready.
  const before = conditionOf(revision, 'Ready');
  if (before?.status === 'False') {
    return before;
  }
  return isLate ? failed('ProgressDeadlineExceeded', 'Initial scale was never achieved') : undefined;
}
