/** Terminal events that were lost: of Jobs that are over, and still wait for theirs to be processed. */
import { isWaiting } from '#shared/builds/admission.ts';
import { awaitsTerminalEvent, overSince } from '#shared/builds/job-state.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalCloudEvent } from '#shared/builds/terminal-event.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Run } from './dependencies.ts';
import { send } from './send.ts';

const SECOND = 1000;
/** The sidecar and cluster-events tell it within moments, and build-complete may be starting. */
const GRACE = 30 * SECOND;

/**
 * Under the id that everybody tells it under: one that is still on its way is told once more, and processed once. Those that run are among the
 * few that are read.
 */
export async function resendTerminalEvents({ jobs, cluster, broker, report, now }: Run): Promise<void> {
  const time = now();
  const awaited = (await jobs()).filter((job) => awaitsTerminalEvent(job) && !isWaiting(job));
  await forEachInBatch(takeBatch(awaited, time), { report, nameOf }, async (known) => {
    const job = await cluster.getJob(nameOf(known));
    if (!job || !awaitsTerminalEvent(job) || !((overSince(job) ?? Infinity) <= time.getTime() - GRACE)) {
      return;
    }
    const outcome = outcomeOf(job, await cluster.listPods(`batch.kubernetes.io/job-name=${nameOf(job)}`));
    if (outcome) {
      await send(broker, terminalCloudEvent(job, outcome));
      report.did('terminal_events', nameOf(job));
    }
  });
}
