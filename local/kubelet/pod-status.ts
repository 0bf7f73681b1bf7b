/** A pod's status out of those of its containers. */
import { type ContainerStatus, isSidecar, type Pod, timestamp } from './pod.ts';

export type TerminalPhase = 'Succeeded' | 'Failed';

export interface PodProgress {
  startTime: string;
  /** Set once every process has ended for good. */
  terminal: TerminalPhase | undefined;
  /** All init containers have ended, all sidecars have started. */
  initialized: boolean;
  initContainers: readonly ContainerStatus[];
  containers: readonly ContainerStatus[];
  /** Why the volumes are not there yet. */
  problem: string | undefined;
}

interface Condition {
  type: string;
  status: 'True' | 'False';
  lastTransitionTime: string;
  reason?: string;
  message?: string;
}

const OURS = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

/** `previous` is the stored status: its transition times are kept, and conditions of others (DisruptionTarget). */
export function podStatus(pod: Pod, progress: PodProgress, previous: Record<string, unknown> | undefined): object {
  const before = (previous?.['conditions'] ?? []) as Condition[];
  const now = timestamp(new Date());
  const condition = (type: string, holds: boolean, reason?: string, message?: string): Condition => {
    const status = holds ? 'True' : 'False';
    const known = before.find((other) => other.type === type);
    return {
      type,
      status,
      lastTransitionTime: known?.status === status ? known.lastTransitionTime : now,
      ...(holds || reason === undefined ? {} : { reason }),
      ...(holds || message === undefined ? {} : { message }),
    };
  };

  const sidecars = progress.initContainers.filter((_, index) => {
    const spec = pod.spec.initContainers?.[index];
    return spec !== undefined && isSidecar(spec);
  });
  const unready = [...sidecars, ...progress.containers].filter(({ ready }) => !ready).map(({ name }) => name);
  const over = progress.terminal !== undefined;
  const ready = !over && progress.initialized && unready.length === 0;
  const unreadyReason = over ? (progress.terminal === 'Failed' ? 'PodFailed' : 'PodCompleted') : 'ContainersNotReady';
  const unreadyMessage = over ? undefined : `containers with unready status: [${unready.join(' ')}]`;

  return {
    phase: phaseOf(progress),
    ...(progress.problem === undefined ? {} : { message: progress.problem }),
    conditions: [
      condition('Initialized', progress.initialized, 'ContainersNotInitialized', progress.problem),
      condition('Ready', ready, unreadyReason, unreadyMessage),
      condition('ContainersReady', ready, unreadyReason, unreadyMessage),
      condition('PodScheduled', true),
      ...before.filter(({ type }) => !OURS.includes(type)),
    ],
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    startTime: progress.startTime,
    qosClass: 'BestEffort',
    ...(progress.initContainers.length === 0 ? {} : { initContainerStatuses: progress.initContainers }),
    containerStatuses: progress.containers,
  };
}

function phaseOf(progress: PodProgress): string {
  if (progress.terminal !== undefined) {
    return progress.terminal;
  }
  const neverStarted = ({ state, lastState }: ContainerStatus) =>
    'waiting' in state && lastState.terminated === undefined;
  return progress.initialized && !progress.containers.some(neverStarted) ? 'Running' : 'Pending';
}
