/** sweep: every minute, looks at what there is and mends what events have missed. */
import type { Logger } from 'pino';
import { holdsSlot, isWaiting } from '#shared/build/admission.ts';
import { admit, type Slots } from '#shared/build/admit.ts';
import type { Broker } from '#shared/clients/broker.ts';
import type { Cluster, JobMetadata } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { lazy } from '#shared/function/lazy.ts';
import { admissionSelector, BUILDS } from '#shared/specs/labels.ts';
import { endStaleJobs } from './end-stale-jobs.ts';
import { mendTriggers } from './mend-triggers.ts';
import { removeAnswers } from './remove-answers.ts';
import { removeBuried } from './remove-buried.ts';
import { removeContexts } from './remove-contexts.ts';
import { type Counts, Report } from './report.ts';
import { resendRequests } from './resend-requests.ts';
import { tellEndings } from './tell-endings.ts';

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

/**
 * Acknowledges whatever happens: the Broker's retries would do within seconds what the next minute does anyhow, and at last keep a dead letter
 * of every minute that the cluster was down. Each step stands alone, does again what a crashed run has done, and two runs at once are in
 * nobody's way. Dead letters, logs and records are not touched: how long they are kept is the operator's to say.
 */
export async function sweep(deps: SweepDependencies, { log }: { log: Logger }): Promise<undefined> {
  const report = new Report(log);
  const run: Run = { ...deps, report, jobs: lazy(() => deps.cluster.listJobMetadata(BUILDS)) };
  const steps = {
    measure,
    tellEndings,
    letRun,
    resendRequests,
    endStaleJobs,
    removeContexts,
    removeAnswers,
    mendTriggers,
    removeBuried,
  };
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(run);
    } catch (error) {
      report.failed(error, name);
    }
  }
  deps.metrics.swept(report.counts);
  report.write();
}

async function letRun({ cluster, slots, report }: Run): Promise<void> {
  for (const name of slots ? await admit(cluster, slots) : []) {
    report.did('admitted', name);
  }
}

async function measure({ cluster, jobs, metrics }: Run): Promise<void> {
  const running = (await cluster.listJobs(admissionSelector('admitted'))).filter(holdsSlot);
  metrics.builds((await jobs()).filter(isWaiting).length, running.length);
}
