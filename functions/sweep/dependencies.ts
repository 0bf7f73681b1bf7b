/** What sweep works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Slots } from '#shared/builds/admit.ts';
import type { Broker } from '#shared/clients/broker.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { Counts, Report } from './report.ts';

export interface SweepDependencies {
  store: ObjectStore;
  cluster: Cluster;
  broker: Broker;
  /** Undefined where Kueue decides which builds run. */
  slots: Slots | undefined;
  temporaryBucket: string;
  /** Where functions live. */
  settings: { namespace: string };
  metrics: SweepMetrics;
  now: () => Date;
}

export interface SweepMetrics {
  swept(counts: Counts): void;
  builds(waiting: number, running: number): void;
  /** Seconds; 0 where nothing waits. */
  oldestRequest(seconds: number): void;
}

/** What one run of sweep works with. */
export interface Run extends SweepDependencies {
  /** As they were when the run first asked. */
  jobs: () => Promise<JobMetadata[]>;
  report: Report;
}
