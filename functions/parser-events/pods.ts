/** What a function's pods say of a call that Knative answered in its place: killed for memory, or simply too slow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';
import { remember } from './remember.ts';

const MOST_LOOKS = 1000;

/** Milliseconds since the epoch. */
interface Look {
  /** When containers were killed for their memory. */
  kills: number[];
  /** Since when pods are ready. */
  ready: number[];
}

/** What pods told at one look: by function and second. */
export type Looks = Map<string, Promise<Look>>;

export interface Looking {
  cluster: Pick<Cluster, 'listFunctionPods'>;
  known: { looks: Looks };
  now: () => Date;
}

/**
 * Looks at once, and once more one to two seconds later: so long the kubelet takes to write it. All calls that break
 * share one look per function and second, so a function that always crashes costs the API server no more. False where
 * that does not answer.
 */
export async function killedForMemory(name: string, callBegan: number, deps: Looking): Promise<boolean> {
  // Kubernetes writes whole seconds.
  const since = Math.floor(callBegan / SECOND) * SECOND;
  const isIn = ({ kills }: Look) => kills.some((time) => time >= since);
  const broke = deps.now().getTime();
  const second = Math.floor(broke / SECOND);
  if (isIn(await lookIn(second, name, deps))) {
    return true;
  }
  const later = second + 2;
  await sleep(later * SECOND - broke);
  return isIn(await lookIn(later, name, deps));
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
    return { kills: pods.flatMap(killsIn), ready: pods.flatMap(readySince) };
  } catch {
    return { kills: [], ready: [] };
  }
}

function readySince({ status }: V1Pod): number[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.lastTransitionTime ? [new Date(ready.lastTransitionTime).getTime()] : [];
}

function killsIn({ status }: V1Pod): number[] {
  return (status?.containerStatuses ?? [])
    .filter(({ name }) => name === 'user-container')
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .flatMap((ended) =>
      ended?.reason === 'OOMKilled' && ended.finishedAt ? [new Date(ended.finishedAt).getTime()] : [],
    );
}
