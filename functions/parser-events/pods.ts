/** What a function's pods say of a call that Knative answered in its place: its process ended, or was too slow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { type ContainerEnd, containerEnds, OUT_OF_MEMORY } from '#shared/kubernetes/container-ends.ts';
import { remember } from '#shared/remember.ts';

const MOST_LOOKS = 1000;
const FORGOTTEN_AFTER = 5 * MINUTE;

/** Milliseconds since the epoch. */
interface Look {
  ends: ContainerEnd[];
  /** Since when pods are ready. */
  ready: number[];
}

/** What pods told at one look: by function and second. */
export type Looks = Map<string, Promise<Look>>;

/** When the first call began that a function broke off, and of which no end is known yet: by function. */
export type Broke = Map<string, number>;

export interface Looking {
  cluster: Pick<Cluster, 'listFunctionPods'>;
  known: { looks: Looks; broke: Broke };
  now: () => Date;
}

/**
 * How a container of it ended during the call; of several, the one that was killed for its memory. Looks at once, and
 * once more one to two seconds later: so long the kubelet takes to write it. All calls that break share one look per
 * function and second, so a function that always crashes costs the API server no more. Undefined where none ended, or
 * the API server does not answer.
 */
export async function endedDuring(name: string, callBegan: number, deps: Looking): Promise<ContainerEnd | undefined> {
  const since = wholeSeconds(callBegan);
  const endIn = ({ ends }: Look) => {
    const during = ends.filter(({ at }) => at >= since);
    return during.find(isKilledForMemory) ?? during[0];
  };
  const broke = deps.now().getTime();
  const second = Math.floor(broke / SECOND);
  const found = endIn(await lookIn(second, name, deps));
  if (found) {
    return found;
  }
  const later = second + 2;
  await sleep(later * SECOND - broke);
  return endIn(await lookIn(later, name, deps));
}

/**
 * How a container of it ended during this call, or during one before it: on a busy node the kubelet writes an end only
 * when the call has been tried again. Undefined where the process goes on, as far as is known.
 */
export async function endedSinceItBroke(
  name: string,
  { end, began }: { end: ContainerEnd | undefined; began: number },
  deps: Looking,
): Promise<ContainerEnd | undefined> {
  const { broke } = deps.known;
  const now = deps.now().getTime();
  const before = broke.get(name) ?? began;
  const since = now - before < FORGOTTEN_AFTER ? before : began;
  const found =
    end ?? (await lookIn(Math.floor(now / SECOND), name, deps)).ends.find(({ at }) => at >= wholeSeconds(since));
  if (found) {
    broke.delete(name);
  } else {
    remember(broke, name, since, MOST_LOOKS);
  }
  return found;
}

/** As Kubernetes writes times. */
export function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / SECOND) * SECOND;
}

export function isKilledForMemory({ reason }: ContainerEnd): boolean {
  return reason === OUT_OF_MEMORY;
}

/** Whether a pod was there for all of a call's time: then the function was too slow, and not Knative. */
export async function hadPod(name: string, callBegan: number, deps: Looking): Promise<boolean> {
  const { ready } = await lookIn(Math.floor(deps.now().getTime() / SECOND), name, deps);
  return ready.some((since) => since <= callBegan);
}

function lookIn(second: number, name: string, { cluster, known: { looks } }: Looking): Promise<Look> {
  const key = `${second} ${name}`;
  const look = looks.get(key) ?? lookAt(name, cluster);
  remember(looks, key, look, MOST_LOOKS);
  return look;
}

async function lookAt(name: string, cluster: Looking['cluster']): Promise<Look> {
  try {
    const pods = await cluster.listFunctionPods(`serving.knative.dev/service=${name}`);
    return { ends: pods.flatMap((pod) => containerEnds(pod, 'user-container')), ready: pods.flatMap(readySince) };
  } catch {
    return { ends: [], ready: [] };
  }
}

function readySince({ status }: V1Pod): number[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.lastTransitionTime ? [new Date(ready.lastTransitionTime).getTime()] : [];
}
