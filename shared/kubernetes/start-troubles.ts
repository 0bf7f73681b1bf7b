/** Why a pod does not start: the one reader of what its status says about it. Who tells a person finds the words. */
import type { V1ContainerStateTerminated, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';

export type StartTrouble =
  /** The scheduler found no node. */
  | { kind: 'unscheduled'; message: string }
  /** A container waits, and not merely for its turn: ImagePullBackOff, CreateContainerConfigError … */
  | {
      kind: 'waiting';
      container: string;
      image: string;
      reason: string;
      message: string | undefined;
      /** How its last run ended, where it had one. */
      ended: V1ContainerStateTerminated | undefined;
    };

/** A container is on its way, or waits for one that has begun already. */
const HARMLESS = new Set(['ContainerCreating', 'PodInitializing']);

/** The scheduler's first, then init containers, then the others. */
export function startTroubles(pod: V1Pod): StartTrouble[] {
  const { conditions = [], initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const unscheduled = conditions.filter(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return [
    ...unscheduled.map(({ message, reason }) => ({
      kind: 'unscheduled' as const,
      message: message ?? reason ?? 'it does not say why',
    })),
    ...[...initContainerStatuses, ...containerStatuses].flatMap((status) => waiting(pod, status)),
  ];
}

function waiting({ spec }: V1Pod, { name, image, state, lastState }: V1ContainerStatus): StartTrouble[] {
  const { reason, message } = state?.waiting ?? {};
  if (!reason || HARMLESS.has(reason)) {
    return [];
  }
  const stated = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find((each) => each.name === name);
  const ended = lastState?.terminated;
  return [{ kind: 'waiting', container: name, image: stated?.image ?? image, reason, message, ended }];
}
