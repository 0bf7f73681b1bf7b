/** sweep: once a minute, compares what exists with what should, and repairs what lost events have left behind. */
import type { Logger } from 'pino';
import { holdsSlot, isWaiting } from '#shared/builds/admission.ts';
import { admit } from '#shared/builds/admit.ts';
import { lazy } from '#shared/runtime/lazy.ts';
import { admissionSelector, BUILDS } from '#shared/specs/labels.ts';
import { LAST_SWEEP } from '#shared/specs/s3-keys.ts';
import type { Run, SweepDependencies } from './dependencies.ts';
import { endStaleJobs } from './end-stale-jobs.ts';
import { measureLetters } from './measure-letters.ts';
import { reconcileTriggers } from './reconcile-triggers.ts';
import { removeContexts } from './remove-contexts.ts';
import { removeDeletedFunctions } from './remove-deleted-functions.ts';
import { removeDownloads } from './remove-downloads.ts';
import { removeHistory } from './remove-history.ts';
import { removeOutcomes } from './remove-outcomes.ts';
import { Report } from './report.ts';
import { resendRequests } from './resend-requests.ts';
import { resendTerminalEvents } from './resend-terminal-events.ts';
import { rotateSecrets } from './rotate-secrets.ts';

/**
 * Never fails: the next run is a minute away, while the Broker would retry within seconds, and keep a dead letter of
 * every minute in which the cluster was down. The steps are independent and idempotent, so a crashed run is simply
 * repeated, and two runs at once do no harm. Dead letters, logs and records are not touched: the operator decides how
 * long they are kept. The history is, for nothing else bounds it where S3 has no lifecycle rules.
 */
export async function sweep(deps: SweepDependencies, { log }: { log: Logger }): Promise<undefined> {
  const steps = {
    measure,
    resendTerminalEvents,
    admitWaiting,
    resendRequests,
    endStaleJobs,
    removeContexts,
    removeOutcomes,
    removeDownloads,
    removeHistory,
    reconcileTriggers,
    removeDeletedFunctions,
    rotateSecrets,
    measureLetters,
  };
  const report = await take(steps, deps, log);
  report.write();
}

/** And leaves word for doctor that it was done. Where that cannot be written, doctor says so. */
export async function sweepAndMark(deps: SweepDependencies, context: { log: Logger }): Promise<undefined> {
  await sweep(deps, context);
  try {
    await deps.store.write(deps.temporaryBucket, LAST_SWEEP, '', 'text/plain');
  } catch (error) {
    context.log.warn({ err: error }, 'that sweep was done could not be kept');
  }
}

/** Between two minutes, so that a rotated Secret reaches its functions within one. Mostly there is nothing to say. */
export async function sweepSecrets(deps: SweepDependencies, { log }: { log: Logger }): Promise<undefined> {
  const report = await take({ rotateSecrets }, deps, log);
  if (report.counts.secrets_rotated > 0) {
    report.write();
  }
}

async function take(
  steps: Record<string, (run: Run) => Promise<void>>,
  deps: SweepDependencies,
  log: Logger,
): Promise<Report> {
  const report = new Report(log);
  const run: Run = { ...deps, report, jobs: lazy(() => deps.cluster.listJobMetadata(BUILDS)) };
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(run);
    } catch (error) {
      report.failed(error, name);
    }
  }
  deps.metrics.swept(report.counts);
  return report;
}

async function admitWaiting({ cluster, slots, report }: Pick<Run, 'cluster' | 'slots' | 'report'>): Promise<void> {
  for (const name of slots ? await admit(cluster, slots) : []) {
    report.did('admitted', name);
  }
}

async function measure({ cluster, jobs, metrics }: Pick<Run, 'cluster' | 'jobs' | 'metrics'>): Promise<void> {
  const running = (await cluster.listJobs(admissionSelector('admitted'))).filter(holdsSlot);
  metrics.builds((await jobs()).filter(isWaiting).length, running.length);
}
