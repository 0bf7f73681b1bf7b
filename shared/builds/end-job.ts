/** Ends a Job early: says why on the Job itself, then deletes it. */
import type { V1Job } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { ENDED_ANNOTATION, type Ended, readEnded } from '#shared/specs/annotations.ts';
import { awaitsTerminalEvent, isOver } from './job-state.ts';

/**
 * Deletes the Job with its pods; `ended` becomes its outcome unless it has one. Its finalizer keeps it until its terminal event has been
 * processed. Nothing happens to a Job that is gone, or that another of the same name has replaced.
 *
 *      job-start (newer build)            service-delete
 *   ──┼ GET ──┼ PATCH superseded ─▶ ok ───┼─────────────┼ DELETE ─▶     the second PATCH names a resourceVersion that has passed:
 *   ──────────┼ GET ──────────────────────┼ PATCH cancelled ─▶ 409      it reads again, finds the reason given, and only deletes
 */
export async function endJob(cluster: Cluster, name: string, uid: string | undefined, ended: Ended): Promise<void> {
  const isMeant = await retryConflicts(async () => {
    const job = await cluster.getJob(name);
    if (!job || job.metadata?.uid !== uid || keepsItsEnd(job, ended)) {
      return false;
    }
    if (!needsNoReason(job)) {
      const resourceVersion = job.metadata?.resourceVersion;
      const annotations = { [ENDED_ANNOTATION]: JSON.stringify(ended) };
      await cluster.patchJob(name, { metadata: { resourceVersion, annotations } });
    }
    return true;
  });
  if (isMeant) {
    await cluster.deleteJob(name, uid);
  }
}

/**
 * A finished build stays what it is when a newer one comes, or its time is over. When its function is deleted it goes too, and is cancelled as long as its end has not
 * been processed: the Job takes its pods along, and with them the digest that would tell of its success.
 */
function keepsItsEnd(job: V1Job, { status }: Ended): boolean {
  return status !== 'cancelled' && readEnded(job) === undefined && isOver(job);
}

/** Given already, by somebody who may have crashed before deleting; or nobody is going to ask. */
function needsNoReason(job: V1Job): boolean {
  return readEnded(job) !== undefined || !awaitsTerminalEvent(job);
}

/** What a Job is told when its function is deleted. */
export function cancelled(reason: string | undefined): Ended {
  return {
    status: 'cancelled',
    reason: 'Cancelled',
    message: `service.delete arrived while it ran${reason ? ` (${reason})` : ''}. Send build.start to build the function again`,
  };
}

/** What a Job is told when a newer source of its parser is being built. */
export function superseded(newer: { correlation_id: string; observed_at: string }): Ended {
  return {
    status: 'superseded',
    reason: 'Superseded',
    message: `a newer source of this parser, seen at ${newer.observed_at}, was asked for by ${newer.correlation_id}: wait for its build.complete`,
  };
}

/** What a Job is told that nobody has let run for a day. */
export function waitedTooLong(): Ended {
  return {
    status: 'timeout',
    reason: 'BuildTimeout',
    message: `it waited 24 hours for other builds to make room. See with \`kubectl get jobs -A -l app.kubernetes.io/component=build\` what runs, raise MAX_CONCURRENT_BUILDS if the nodes have room, then send build.start again`,
  };
}
