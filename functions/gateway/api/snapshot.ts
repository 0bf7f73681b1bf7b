/** All functions and running builds, as they were a moment ago: one read of Kubernetes serves many requests. */

import type { Cluster } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';
import { BUILDS, FUNCTIONS } from '#shared/specs/labels.ts';
import { functionView, futureView, idOf, podsByService, runningBuild, type Snapshot } from './function-view.ts';

/** Reading may take a twentieth of the time, so that a thousand functions leave a core to the requests. */
const SHARE = 20;
/** The page looks again this long after an event. */
const LONGEST = 10 * SECOND;

export function createSnapshot(
  cluster: Pick<Cluster, 'listServices' | 'listFunctionPods' | 'listJobMetadata'>,
  now: () => number = () => performance.now(),
): () => Promise<Snapshot> {
  let known: { until: number; snapshot: Snapshot } | undefined;
  let reading: Promise<Snapshot> | undefined;
  return async () => {
    if (known && now() < known.until) {
      return known.snapshot;
    }
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return await reading;
  };

  async function read(): Promise<Snapshot> {
    const began = now();
    const [services, pods, jobs] = await Promise.all([
      cluster.listServices(FUNCTIONS),
      cluster.listFunctionPods('app.kubernetes.io/component=function'),
      cluster.listJobMetadata(BUILDS),
    ]);
    const counts = podsByService(pods);
    const deployed = services.flatMap((service) => functionView(service, counts.get(service.metadata.name) ?? 0) ?? []);
    const running = jobs.flatMap((job) => runningBuild(job) ?? []);
    const byId = new Map(deployed.map((one) => [idOf(one), one]));
    for (const build of running) {
      const one = byId.get(idOf(build));
      byId.set(idOf(build), one ? { ...one, last_build: build } : futureView(build));
    }
    const functions = [...byId.values()].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
    const snapshot = { functions, running };
    known = { until: now() + Math.min(LONGEST, Math.max(SECOND, (now() - began) * SHARE)), snapshot };
    return snapshot;
  }
}
