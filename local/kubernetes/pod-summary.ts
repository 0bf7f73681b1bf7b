/** READY, STATUS and RESTARTS of a pod, as kubectl's table shows them (Kubernetes' printPod). */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { ago } from './human-duration.ts';

interface ContainerState {
  waiting?: { reason?: string };
  running?: object;
  terminated?: { reason?: string; exitCode?: number; signal?: number; finishedAt?: string };
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface PodSummary {
  ready: string;
  status: string;
  restarts: string;
}

export function summarizePod({ metadata, spec, status = {} }: KubeObject, now: number): PodSummary {
  const sidecars: string[] = (spec?.initContainers ?? [])
    .filter((container: { restartPolicy?: string }) => container.restartPolicy === 'Always')
    .map((container: { name: string }) => container.name);
  const inits: ContainerStatus[] = status.initContainerStatuses ?? [];
  const containers: ContainerStatus[] = status.containerStatuses ?? [];
  const total = (spec?.containers?.length ?? 0) + sidecars.length;
  const started = inits.filter(({ name, started }) => sidecars.includes(name) && started);
  let ready = started.filter((container) => container.ready).length;
  let text: string = status.reason || status.phase || 'Unknown';
  let counted = inits;

  const initializing = initText(inits, sidecars, spec?.initContainers?.length ?? 0);
  if (initializing && !hasCondition(status, 'Initialized')) {
    text = initializing;
  } else {
    counted = [...containers, ...inits.filter(({ name }) => sidecars.includes(name))];
    ready += containers.filter((container) => container.ready && container.state?.running).length;
    // The first container that has something to say: kube-apiserver goes through them backwards, and the last assignment wins.
    for (const { state } of containers.toReversed()) {
      text = stateText(state) ?? text;
    }
    const running = containers.some((container) => container.ready && container.state?.running);
    if (text === 'Completed' && running) {
      text = hasCondition(status, 'Ready') ? 'Running' : 'NotReady';
    }
  }
  const ended = status.phase === 'Succeeded' || status.phase === 'Failed';
  if (metadata.deletionTimestamp && !ended) {
    text = 'Terminating';
  }
  return { ready: `${ready}/${total}`, status: text, restarts: restartsText(counted, now) };
}

/** Undefined once every init container is done, or up if it is a sidecar. */
function initText(inits: ContainerStatus[], sidecars: string[], total: number): string | undefined {
  for (const [index, { name, state, started }] of inits.entries()) {
    if (state?.terminated?.exitCode === 0) {
      continue;
    }
    if (sidecars.includes(name) && started) {
      continue;
    }
    if (state?.terminated) {
      return `Init:${stateText(state)}`;
    }
    const reason = state?.waiting?.reason;
    return reason && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${index}/${total}`;
  }
  return undefined;
}

function stateText({ waiting, terminated }: ContainerState = {}): string | undefined {
  if (waiting?.reason) {
    return waiting.reason;
  }
  if (!terminated) {
    return undefined;
  }
  if (terminated.reason) {
    return terminated.reason;
  }
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function restartsText(containers: ContainerStatus[], now: number): string {
  const restarts = containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
  const ends = containers.map(({ lastState }) => lastState?.terminated?.finishedAt).filter((end) => end !== undefined);
  const last = ends.sort().at(-1);
  return restarts > 0 && last ? `${restarts} (${ago(last, now)} ago)` : String(restarts);
}

function hasCondition(status: { conditions?: { type: string; status: string }[] }, type: string): boolean {
  return status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}
