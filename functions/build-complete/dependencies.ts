/** What build-complete works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { FunctionSettings } from '#shared/specs/knative-service.ts';
import type { TenantLimits } from './tenant-limits.ts';

export interface BuildCompleteDependencies {
  store: Pick<ObjectStore, 'read' | 'write' | 'create' | 'remove'>;
  cluster: Pick<
    Cluster,
    | 'getJob'
    | 'listJobs'
    | 'patchJob'
    | 'deleteJob'
    | 'listPods'
    | 'getSecretKeys'
    | 'getService'
    | 'listServices'
    | 'applyService'
    | 'deleteService'
    | 'getTrigger'
    | 'applyTrigger'
  >;
  temporaryBucket: string;
  imageRegistry: string;
  settings: FunctionSettings;
  tenantLimits: TenantLimits;
  now: () => Date;
}
