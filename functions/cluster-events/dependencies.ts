/** What cluster-events works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Slots } from '#shared/builds/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';

export interface ClusterEventsDependencies {
  cluster: Pick<
    Cluster,
    'getJob' | 'listJobs' | 'listJobMetadata' | 'patchJob' | 'listPods' | 'getLease' | 'replaceLease' | 'getService'
  >;
  /** Undefined where Kueue decides which builds run. */
  slots: Slots | undefined;
}
