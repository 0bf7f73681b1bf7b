/** What a revision's pods say about it, in the conditions, reasons and words of Knative's revision controller. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type Condition, conditionOf, keepTransitionTimes } from './conditions.ts';
import { PROGRESS_DEADLINE } from './labels.ts';
import { durationSeconds } from './scaling-settings.ts';

const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;
// A cluster resolves tags before it makes a pod, and for digests waits out the deadline. Here no image appears by itself: fail at once.
const IMAGE_PROBLEMS = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'];

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
  const wasReady = conditionOf(revision, 'Ready')?.status === 'True';
  // Ready once is ready for good: what fails later shows on the pods and to the callers, not on the revision.
  const isReady = wasReady || view.ready >= view.initialScale;
  const conditions = isReady ? READY : (failedConditions(revision, view) ?? DEPLOYING);
  return {
    observedGeneration: revision.metadata.generation ?? 1,
    conditions: keepTransitionTimes(revision['status']?.conditions, conditions, view.now),
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

const READY: Condition[] = [
  { type: 'ContainerHealthy', status: 'True' },
  { type: 'Ready', status: 'True' },
  { type: 'ResourcesAvailable', status: 'True' },
];
const DEPLOYING: Condition[] = READY.map(({ type }) => ({ type, status: 'Unknown', reason: 'Deploying' }));

function failedConditions(revision: KubeObject, view: RevisionView): Condition[] | undefined {
  const before = conditionOf(revision, 'Ready');
  const kept = before?.status === 'False' ? { reason: before.reason ?? '', message: before.message ?? '' } : undefined;
  const unavailable = kept !== undefined && conditionOf(revision, 'ResourcesAvailable')?.status === 'False';

  const exit = view.pods.flatMap(containerStatuses).find((status) => status.lastState?.terminated)
    ?.lastState.terminated;
  if (exit) {
    const words =
      exit.exitCode === 0 && !exit.message ? 'container exited with no error' : (exit.message ?? '').trimEnd();
    return failed('ContainerHealthy', `ExitCode${exit.exitCode}`, `Container failed with: ${words}`);
  }
  const waiting = view.pods
    .flatMap(containerStatuses)
    .map((status) => status.state?.waiting)
    .find((state) => state && (IMAGE_PROBLEMS.includes(state.reason) || pastProgressDeadline(revision, view.now)));
  if (waiting) {
    return failed('ResourcesAvailable', waiting.reason, waiting.message ?? '');
  }
  if (kept) {
    // Its pods are gone or being replaced: what they said still holds until one becomes ready.
    return failed(unavailable ? 'ResourcesAvailable' : 'ContainerHealthy', kept.reason, kept.message);
  }
  if (pastProgressDeadline(revision, view.now)) {
    return failed('ResourcesAvailable', 'ProgressDeadlineExceeded', 'Initial scale was never achieved');
  }
  return undefined;
}

function failed(type: 'ContainerHealthy' | 'ResourcesAvailable', reason: string, message: string): Condition[] {
  const other = type === 'ContainerHealthy' ? 'ResourcesAvailable' : 'ContainerHealthy';
  return [
    { type, status: 'False', reason, message },
    { type: other, status: 'Unknown', reason: 'Deploying' },
    { type: 'Ready', status: 'False', reason, message },
  ];
}

function containerStatuses(pod: KubeObject): KubeObject['status'][] {
  return pod['status']?.containerStatuses ?? [];
}
