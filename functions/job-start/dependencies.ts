/** What job-start works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Slots } from '#shared/builds/admit.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ImageRegistry } from '#shared/clients/image-registry.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import type { KanikoJobSettings } from '#shared/specs/kaniko-job.ts';
import type { ClientLimits } from './client-limits.ts';

export interface JobStartDependencies {
  store: ObjectStore;
  cluster: Cluster;
  settings: KanikoJobSettings;
  /** Where repositories must be made before a push. */
  imageRegistry?: ImageRegistry | undefined;
  /** Undefined where Kueue decides which builds run. */
  slots: Slots | undefined;
  limits: ClientLimits;
  now: () => Date;
}

export type JobStartEvent = ReceivedEvent<JobStart>;
