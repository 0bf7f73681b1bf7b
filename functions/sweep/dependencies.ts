/** What sweep works with. Types only: index.ts makes the real ones, tests and the simulator their own. */
import type { Slots } from '#shared/builds/admit.ts';
import type { Broker } from '#shared/clients/broker.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { Delivery } from '#shared/events/parameters.ts';
import type { HistoryBounds, HistoryPlace } from './history-place.ts';
import type { Counts, Report } from './report.ts';

export interface SweepDependencies {
  store: Pick<ObjectStore, 'list' | 'read' | 'write' | 'create' | 'remove'>;
  cluster: Pick<
    Cluster,
    | 'getJob'
    | 'listJobs'
    | 'listJobMetadata'
    | 'patchJob'
    | 'deleteJob'
    | 'listPods'
    | 'getLease'
    | 'replaceLease'
    | 'listSecretMetadata'
    | 'getService'
    | 'listServices'
    | 'patchService'
    | 'deleteService'
    | 'getTrigger'
    | 'listTriggers'
    | 'applyTrigger'
    | 'patchTrigger'
    | 'deleteTrigger'
  >;
  broker: Pick<Broker, 'send'>;
  /** Undefined where Kueue decides which builds run. */
  slots: Slots | undefined;
  temporaryBucket: string;
  /** Of the functions. */
  settings: { namespace: string; delivery: Delivery };
  /** How much of what happened is kept, and how far the removal of the rest has come. */
  history: { bounds: HistoryBounds; place: HistoryPlace };
  metrics: SweepMetrics;
  now: () => Date;
}

export interface SweepMetrics {
  swept(counts: Counts): void;
  builds(waiting: number, running: number): void;
  /** Seconds; 0 where no request is pending. */
  oldestRequest(seconds: number): void;
  /** Seconds; 0 where no dead letter is open. */
  oldestLetter(seconds: number): void;
}

/** What each step of a run is given, besides the clients that it names itself. */
export interface Step {
  report: Report;
  now: () => Date;
}

/** What one run of sweep works with. */
export interface Run extends SweepDependencies, Step {
  /** Listed once in a run, by the first step that needs them. */
  jobs: () => Promise<JobMetadata[]>;
}
