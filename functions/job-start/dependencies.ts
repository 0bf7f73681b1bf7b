/** What job-start works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Slots } from '#shared/builds/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ImageRegistry } from '#shared/clients/image-registry.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { KanikoJobSettings } from '#shared/specs/kaniko-job.ts';
import type { ClientLimits } from './client-limits.ts';

export interface JobStartDependencies {
  store: Pick<ObjectStore, 'read' | 'create' | 'remove'>;
  cluster: Pick<
    Cluster,
    | 'getJob'
    | 'listJobs'
    | 'listJobMetadata'
    | 'createJob'
    | 'patchJob'
    | 'deleteJob'
    | 'getLease'
    | 'replaceLease'
    | 'getService'
  >;
  settings: KanikoJobSettings;
  /** Undefined where a push creates the repository. */
  imageRegistry?: ImageRegistry | undefined;
  /** Undefined where Kueue decides which builds run. */
  slots: Slots | undefined;
  limits: ClientLimits;
  now: () => Date;
}
