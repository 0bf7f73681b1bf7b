/** Reads the pods of a Job: which are its own, how their containers ended, what digest was pushed, why one waits. */
import type { V1ContainerStateTerminated, V1Job, V1Pod } from '@kubernetes/client-node';
import { startTroubles } from '#shared/kubernetes/start-troubles.ts';
import { FETCH_CONTEXT } from '#shared/specs/build-pod/fetch-context.ts';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { milliseconds } from './job-state.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Oldest first. The pods of an earlier Job of the same name have another owner. */
export function podsOf(job: V1Job, pods: V1Pod[]): V1Pod[] {
  const uid = job.metadata?.uid;
  const own = pods.filter(({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid));
  return own.sort((a, b) => createdAt(a) - createdAt(b));
}

export function terminated(pod: V1Pod, container: string): V1ContainerStateTerminated | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find(({ name }) => name === container)?.state?.terminated;
}

export const kanikoResult = (pod: V1Pod) => terminated(pod, KANIKO);
export const fetchResult = (pod: V1Pod) => terminated(pod, FETCH_CONTEXT);

/** The digest that Kaniko pushed and when it ended; undefined where it did not succeed. */
export function pushed(pod: V1Pod): { digest: string; at: number } | undefined {
  const result = kanikoResult(pod);
  const digest = result?.message?.trim() ?? '';
  if (result?.exitCode !== 0 || !DIGEST.test(digest)) {
    return undefined;
  }
  return { digest, at: milliseconds(result.finishedAt) ?? 0 };
}

/** Whether the kubelet, a drain or the scheduler ended the pod. Then the build itself is not at fault. */
export function wasEvicted({ status }: V1Pod): boolean {
  const disrupted = status?.conditions?.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  return status?.reason === 'Evicted' || (disrupted ?? false);
}

/** The first container that has not started, and why: ImagePullBackOff, CreateContainerConfigError … */
export function waitingReason(pod: V1Pod): string | undefined {
  for (const trouble of startTroubles(pod)) {
    if (trouble.kind === 'waiting') {
      const why = [trouble.reason, trouble.message].filter(Boolean).join(': ');
      return `container ${trouble.container} waits: ${why}`;
    }
  }
  return undefined;
}

function createdAt(pod: V1Pod): number {
  return milliseconds(pod.metadata?.creationTimestamp) ?? 0;
}
