/** Pods as this folder sees them: the spec as users write it, the status as the API shows it (times are strings). */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export type ContainerSpec = V1Container;

export interface Pod extends KubeObject {
  metadata: KubeObject['metadata'] & { namespace: string; uid: string };
  spec: V1PodSpec;
}

export interface WaitingState {
  waiting: { reason: string; message?: string };
}

export interface RunningState {
  running: { startedAt: string };
}

export interface TerminatedState {
  terminated: {
    exitCode: number;
    /** Completed, Error or StartError. Never OOMKilled: resource limits are not enforced here. */
    reason: string;
    message?: string;
    startedAt: string;
    finishedAt: string;
  };
}

export type ContainerState = WaitingState | RunningState | TerminatedState;

export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  state: ContainerState;
  lastState: Partial<TerminatedState>;
  ready: boolean;
  started: boolean;
  restartCount: number;
}

/** Seconds Kubernetes waits between SIGTERM and SIGKILL where a pod says nothing. */
const DEFAULT_GRACE_SECONDS = 30;

export function gracePeriodMs(pod: Pod): number {
  return (
    1000 * (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS)
  );
}

export function isOver(pod: Pod): boolean {
  return ['Succeeded', 'Failed'].includes((pod['status']?.phase ?? '') as string);
}

/** A native sidecar: an init container that stays. */
export function isSidecar(container: ContainerSpec): boolean {
  return container.restartPolicy === 'Always';
}

/** Whole seconds, as the API writes times. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
