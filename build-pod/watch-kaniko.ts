/** Waits until the Kaniko container of our own pod has ended, as the API server tells it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1ContainerStateTerminated } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';

export interface WatchOptions {
  pod: string;
  container: string;
  /** Milliseconds. */
  interval: number;
  /** Aborted some time after SIGTERM: then what is known by then has to do. */
  signal: AbortSignal;
  log: (line: string) => void;
}

/**
 * Polls, since a watch can stall unnoticed and one GET a second of one's own pod costs nothing. The kubelet sends us SIGTERM when
 * Kaniko has ended, mostly before it has told the API server, so SIGTERM alone is no reason to stop looking.
 *
 * Undefined where the pod is gone or time ran out.
 */
export async function watchKaniko(
  cluster: Pick<Cluster, 'getPod'>,
  { pod, container, interval, signal, log }: WatchOptions,
): Promise<V1ContainerStateTerminated | undefined> {
  let complained = false;
  while (!signal.aborted) {
    try {
      const found = await cluster.getPod(pod);
      if (!found) {
        return undefined;
      }
      const terminated = found.status?.containerStatuses?.find(({ name }) => name === container)?.state?.terminated;
      if (terminated) {
        return terminated;
      }
      complained = false;
    } catch (error) {
      if (!complained) {
        log(`cannot read pod ${pod} (${(error as Error).message}); trying on`);
        complained = true;
      }
    }
    await sleep(interval, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
