/** What a cluster makes of pods whose node was lost: here, those whose processes ended with the platform of before. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { isOver, type Pod, timestamp } from './pod.ts';

/**
 * To be called before anybody acts on pods. One that is never restarted has failed, and says that it was disrupted, so
 * that a podFailurePolicy can tell it from a failure of its own; it stays to be seen until its Job goes. Others are
 * gone: whoever wants them makes them anew.
 */
export function losePods(storage: ObjectStorage): void {
  for (const pod of storage.list('pods') as Pod[]) {
    const { namespace, name } = pod.metadata;
    if (pod.spec.nodeName === undefined || isOver(pod)) {
      continue;
    }
    if (pod.spec.restartPolicy === 'Never') {
      storage.updateStatus('pods', namespace, name, lost(pod['status'] ?? {}));
    } else {
      storage.remove('pods', namespace, name, { gracePeriodSeconds: 0 });
    }
  }
}

function lost(status: Record<string, unknown>): object {
  const now = timestamp(new Date());
  const conditions = (status['conditions'] ?? []) as { type: string; status: string }[];
  const readiness = ['Ready', 'ContainersReady'];
  return {
    ...status,
    phase: 'Failed',
    message: 'the embedded platform ended while this pod was running',
    conditions: [
      ...conditions.map((condition) =>
        readiness.includes(condition.type) && condition.status === 'True'
          ? { ...condition, status: 'False', reason: 'PodFailed', lastTransitionTime: now }
          : condition,
      ),
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByPodGC',
        message: 'PodGC: node no longer exists',
        lastTransitionTime: now,
      },
    ],
  };
}
