/** Whether a function's container was killed because it took more memory than its limit. Its pod says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';

const MOST_LOOKS = 1000;

/** When containers were killed, as far as their pods told at one look: by function and second. */
export type Looks = Map<string, Promise<number[]>>;

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
  const isIn = (kills: number[]) => kills.some((time) => time >= since);
  const broke = deps.now().getTime();
  const second = Math.floor(broke / SECOND);
  if (isIn(await lookIn(second, name, deps))) {
    return true;
  }
  const later = second + 2;
  await sleep(later * SECOND - broke);
  return isIn(await lookIn(later, name, deps));
}

function lookIn(second: number, name: string, { cluster, known: { looks } }: Looking): Promise<number[]> {
  const key = `${second} ${name}`;
  const look = looks.get(key) ?? killsOf(name, cluster);
  looks.set(key, look);
  const [oldest] = looks.keys();
  if (looks.size > MOST_LOOKS && oldest !== undefined) {
    looks.delete(oldest);
  }
  return look;
}

async function killsOf(name: string, cluster: Looking['cluster']): Promise<number[]> {
  try {
    const pods = await cluster.listFunctionPods(`serving.knative.dev/service=${name}`);
    return pods.flatMap(killsIn);
  } catch {
    return [];
  }
}

function killsIn({ status }: V1Pod): number[] {
  return (status?.containerStatuses ?? [])
    .filter(({ name }) => name === 'user-container')
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .flatMap((ended) =>
      ended?.reason === 'OOMKilled' && ended.finishedAt ? [new Date(ended.finishedAt).getTime()] : [],
    );
}
