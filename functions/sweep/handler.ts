/** sweep: every minute, looks at what there is and mends what events have missed. */
import type { Logger } from 'pino';
import { holdsSlot, isWaiting } from '#shared/builds/admission.ts';
import { admit } from '#shared/builds/admit.ts';
import { lazy } from '#shared/runtime/lazy.ts';
import { admissionSelector, BUILDS } from '#shared/specs/labels.ts';
import type { Run, SweepDependencies } from './dependencies.ts';
import { endStaleJobs } from './end-stale-jobs.ts';
import { reconcileTriggers } from './reconcile-triggers.ts';
import { removeContexts } from './remove-contexts.ts';
import { removeDeletedFunctions } from './remove-deleted-functions.ts';
import { removeOutcomes } from './remove-outcomes.ts';
import { Report } from './report.ts';
import { resendRequests } from './resend-requests.ts';
import { resendTerminalEvents } from './resend-terminal-events.ts';

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
    resendTerminalEvents,
    admitWaiting,
    resendRequests,
    endStaleJobs,
    removeContexts,
    removeOutcomes,
    reconcileTriggers,
    removeDeletedFunctions,
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

async function admitWaiting({ cluster, slots, report }: Run): Promise<void> {
  for (const name of slots ? await admit(cluster, slots) : []) {
    report.did('admitted', name);
  }
}

async function measure({ cluster, jobs, metrics }: Run): Promise<void> {
  const running = (await cluster.listJobs(admissionSelector('admitted'))).filter(holdsSlot);
  metrics.builds((await jobs()).filter(isWaiting).length, running.length);
}
