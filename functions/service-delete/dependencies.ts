/** What service-delete works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';

export interface ServiceDeleteDependencies {
  store: Pick<ObjectStore, 'list' | 'read' | 'write' | 'remove'>;
  cluster: Pick<
    Cluster,
    'getJob' | 'listJobs' | 'patchJob' | 'deleteJob' | 'getService' | 'deleteService' | 'getTrigger'
  >;
  temporaryBucket: string;
}
