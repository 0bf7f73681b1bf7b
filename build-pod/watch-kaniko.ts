/** Waits until the Kaniko container of our own pod has ended, as the API server tells it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1ContainerStateTerminated } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';

/** Between the kubelet's SIGTERM and what it tells the API server lie some tenths of a second. */
const HURRIED_MILLISECONDS = 50;

export interface WatchOptions {
  pod: string;
  container: string;
  /** Milliseconds. */
  interval: number;
  /** Aborted by SIGTERM, by which the kubelet says that Kaniko has ended. */
  asked: AbortSignal;
  /** Aborted some time after SIGTERM: then what is known by then has to do. */
  signal: AbortSignal;
  log: (line: string) => void;
}

/**
 * Polls, since a watch can stall unnoticed and one GET a second of one's own pod costs nothing. The kubelet sends us SIGTERM when
 * Kaniko has ended, mostly before it has told the API server: SIGTERM is a reason to look often, and none to stop looking.
 *
 * Undefined where the pod is gone or time ran out.
 */
export async function watchKaniko(
  cluster: Pick<Cluster, 'getPod'>,
  { pod, container, interval, asked, signal, log }: WatchOptions,
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
    const wait = asked.aborted
      ? sleep(HURRIED_MILLISECONDS, undefined, { signal })
      : sleep(interval, undefined, { signal: asked });
    await wait.catch(() => undefined);
  }
  return undefined;
}
