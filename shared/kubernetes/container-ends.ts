/** How the containers of a pod have ended: exit code, and their last words where Kubernetes keeps them. */
import type { V1Pod } from '@kubernetes/client-node';

/** The reason that the kubelet writes. */
export const OUT_OF_MEMORY = 'OOMKilled';

export interface ContainerEnd {
  pod: string;
  /** Milliseconds since the epoch, in whole seconds. */
  at: number;
  exitCode: number;
  /** OUT_OF_MEMORY, `Error`, `Completed` … */
  reason: string | undefined;
  /** The end of its log after a failure (FallbackToLogsOnError, which Knative sets): 2 KiB. */
  text: string | undefined;
}

/**
 * Of each container its last two ends, newest first. Of pods on their way out only those that were killed for their
 * memory: all others were told to end.
 */
export function containerEnds({ metadata, status }: V1Pod, container: string): ContainerEnd[] {
  return (status?.containerStatuses ?? [])
    .filter(({ name }) => name === container)
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .flatMap((ended) =>
      ended?.finishedAt && (!metadata?.deletionTimestamp || ended.reason === OUT_OF_MEMORY)
        ? [
            {
              pod: metadata?.name ?? '',
              at: new Date(ended.finishedAt).getTime(),
              exitCode: ended.exitCode,
              reason: ended.reason,
              text: ended.message,
            },
          ]
        : [],
    )
    .sort((a, b) => b.at - a.at);
}
