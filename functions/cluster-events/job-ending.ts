/** The terminal event of a Job that has ended and whose end has not been processed yet. */
import * as z from 'zod';
import { awaitsTerminalEvent } from '#shared/builds/job-state.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalEvent } from '#shared/builds/terminal-event.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { TERMINAL_EVENT_FINALIZER } from '#shared/specs/annotations.ts';
import { isManaged } from '#shared/specs/labels.ts';
import type { ChangedObject } from './changed-object.ts';

/**
 * The notification may be late, so the Job is read again. Without our finalizer its end has been processed. The sidecar
 * may have sent the terminal event before: this is the same event, with the same id.
 */
export async function jobEnding(
  changed: ChangedObject,
  cluster: Pick<Cluster, 'getJob' | 'listPods'>,
): Promise<NewEvent<'build.complete'> | undefined> {
  if (
    !isManaged(changed) ||
    !changed.metadata.finalizers?.includes(TERMINAL_EVENT_FINALIZER) ||
    !mayHaveEnded(changed)
  ) {
    return undefined;
  }
  const job = await cluster.getJob(changed.metadata.name);
  if (!job || job.metadata?.uid !== changed.metadata.uid || !awaitsTerminalEvent(job)) {
    return undefined;
  }
  const result = outcomeOf(job, await cluster.listPods(`batch.kubernetes.io/job-name=${changed.metadata.name}`));
  return result && terminalEvent(job, result);
}

const statusSchema = z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) });

export function hasFinished({ status }: Pick<ChangedObject, 'status'>): boolean {
  const conditions = statusSchema.safeParse(status).data?.conditions ?? [];
  return conditions.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
}

/** A running Job changes often. This check saves two reads each time. */
function mayHaveEnded({ metadata, status }: ChangedObject): boolean {
  return metadata.deletionTimestamp !== undefined || hasFinished({ status });
}
