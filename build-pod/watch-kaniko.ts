/** Waits until the Kaniko container of our own pod has ended, by what the API server says. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1ContainerStateTerminated } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';

/** The kubelet reports to the API server some tenths of a second after its SIGTERM. */
const INTERVAL_AFTER_SIGTERM = 50;

export interface WatchOptions {
  pod: string;
  container: string;
  /** Milliseconds. */
  interval: number;
  /** Aborted by SIGTERM, which the kubelet sends when Kaniko has ended. */
  asked: AbortSignal;
  /** Aborted when the time after SIGTERM is over. */
  signal: AbortSignal;
  log: (line: string) => void;
}

/**
 * Polls: a watch can stall unnoticed, and one GET a second of the own pod costs nothing. The kubelet sends SIGTERM when
 * Kaniko has ended, mostly before it has told the API server. So after SIGTERM we poll faster, and do not stop.
 *
 * Undefined if the pod is gone or time ran out.
 */
export async function watchKaniko(
  cluster: Pick<Cluster, 'getPod'>,
  { pod, container, interval, asked, signal, log }: WatchOptions,
): Promise<V1ContainerStateTerminated | undefined> {
  let hasLoggedError = false;
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
      hasLoggedError = false;
    } catch (error) {
      if (!hasLoggedError) {
        log(`cannot read pod ${pod} (${(error as Error).message}); trying on`);
        hasLoggedError = true;
      }
    }
    const wait = asked.aborted
      ? sleep(INTERVAL_AFTER_SIGTERM, undefined, { signal })
      : sleep(interval, undefined, { signal: asked });
    await wait.catch(() => undefined);
  }
  return undefined;
}
