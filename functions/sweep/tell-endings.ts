/** Terminal events that were lost: of Jobs that are over, and still wait for theirs to be processed. */
import { isWaiting } from '#shared/build/admission.ts';
import { awaitsTerminalEvent, overSince } from '#shared/build/job-state.ts';
import { outcomeOf } from '#shared/build/outcome.ts';
import { terminalCloudEvent } from '#shared/build/terminal-event.ts';
import type { Run } from './handler.ts';
import { send } from './send.ts';
import { each, nameOf, share } from './take-turns.ts';

const SECOND = 1000;
/** The sidecar and cluster-events tell it within moments, and build-complete may be starting. */
const GRACE = 30 * SECOND;

/**
 * Under the id that everybody tells it under: one that is still on its way is told once more, and processed once. Those that run are among the
 * few that are read.
 */
export async function tellEndings({ jobs, cluster, broker, report, now }: Run): Promise<void> {
  const time = now();
  const awaited = (await jobs()).filter((job) => awaitsTerminalEvent(job) && !isWaiting(job));
  await each(share(awaited, time), { report, nameOf }, async (known) => {
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
