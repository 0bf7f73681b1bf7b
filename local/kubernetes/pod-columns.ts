/** READY, STATUS and RESTARTS of a pod, as kubectl's table shows them. */

import type { KubeObject } from '#shared/kubernetes/object.ts';

interface ContainerState {
  waiting?: { reason?: string };
  terminated?: { reason?: string; exitCode?: number };
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  state?: ContainerState;
}

export function podReady(pod: KubeObject): string {
  const all = pod['spec'].containers.length + sidecarsOf(pod).length;
  const ready = [...statusesOf(pod), ...sidecarStatusesOf(pod)].filter((container) => container.ready);
  return `${ready.length}/${all}`;
}

export function podStatus(pod: KubeObject): string {
  const { phase = 'Unknown', reason } = pod['status'] ?? {};
  if (pod.metadata.deletionTimestamp && !['Succeeded', 'Failed'].includes(phase)) {
    return 'Terminating';
  }
  const states = statusesOf(pod).map(({ state }) => stateText(state));
  return initText(pod) ?? states.find((text) => text !== undefined) ?? reason ?? phase;
}

export function podRestarts(pod: KubeObject): number {
  return [...statusesOf(pod), ...sidecarStatusesOf(pod)].reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
}

/** Undefined once every init container is done, or up if it is a sidecar. */
function initText(pod: KubeObject): string | undefined {
  const statuses: ContainerStatus[] = pod['status']?.initContainerStatuses ?? [];
  const index = statuses.findIndex(
    ({ name, state, started }) => state?.terminated?.exitCode !== 0 && !(started && sidecarsOf(pod).includes(name)),
  );
  const found = statuses[index];
  if (!found || hasStarted(pod)) {
    return undefined;
  }
  const text = stateText(found.state);
  return text && text !== 'PodInitializing' ? `Init:${text}` : `Init:${index}/${statuses.length}`;
}

function hasStarted(pod: KubeObject): boolean {
  const conditions: { type: string; status: string }[] = pod['status']?.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Initialized' && status === 'True');
}

function stateText({ waiting, terminated }: ContainerState = {}): string | undefined {
  return waiting?.reason ?? terminated?.reason ?? (terminated && `ExitCode:${terminated.exitCode}`);
}

function statusesOf(pod: KubeObject): ContainerStatus[] {
  return pod['status']?.containerStatuses ?? [];
}

function sidecarStatusesOf(pod: KubeObject): ContainerStatus[] {
  const sidecars = sidecarsOf(pod);
  const statuses: ContainerStatus[] = pod['status']?.initContainerStatuses ?? [];
  return statuses.filter(({ name, started }) => sidecars.includes(name) && started);
}

function sidecarsOf(pod: KubeObject): string[] {
  const inits: { name: string; restartPolicy?: string }[] = pod['spec'].initContainers ?? [];
  return inits.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name);
}
