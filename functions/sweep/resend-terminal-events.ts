/** Resends terminal events that were lost: those of Jobs that are over and still have our finalizer. */
import { isWaiting } from '#shared/builds/admission.ts';
import { awaitsTerminalEvent, overSince } from '#shared/builds/job-state.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalCloudEvent } from '#shared/builds/terminal-event.ts';
import type { Broker } from '#shared/clients/broker.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Run, Step } from './dependencies.ts';

/** The sidecar and cluster-events send it within seconds, and build-complete may have to start first. */
const GRACE = 30 * SECOND;

/**
 * The event has the same id whoever sends it, so one that is still on its way is processed once. Reads the Jobs that
 * run as well: they are few.
 */
export async function resendTerminalEvents({
  jobs,
  cluster,
  broker,
  report,
  now,
}: Step &
  Pick<Run, 'jobs'> & { cluster: Pick<Cluster, 'getJob' | 'listPods'>; broker: Pick<Broker, 'send'> }): Promise<void> {
  const time = now();
  const awaited = (await jobs()).filter((job) => awaitsTerminalEvent(job) && !isWaiting(job));
  await forEachInBatch(takeBatch(awaited, time), { report, nameOf }, async (known) => {
    const job = await cluster.getJob(nameOf(known));
    if (!job || !awaitsTerminalEvent(job) || !((overSince(job) ?? Infinity) <= time.getTime() - GRACE)) {
      return;
    }
    const outcome = outcomeOf(job, await cluster.listPods(`batch.kubernetes.io/job-name=${nameOf(job)}`));
    if (outcome) {
      await broker.send(terminalCloudEvent(job, outcome));
      report.did('terminal_events', nameOf(job));
    }
  });
}
