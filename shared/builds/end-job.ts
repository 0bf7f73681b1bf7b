/** Ends a Job early: writes the reason onto the Job, then deletes it. */
import type { V1Job } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import { ENDED_ANNOTATION, type Ended, readEnded } from '#shared/specs/annotations.ts';
import { awaitsTerminalEvent, isOver } from './job-state.ts';

/**
 * Deletes the Job with its pods. `ended` becomes its outcome, unless it has one already. The finalizer keeps the Job
 * until its terminal event has been processed. Does nothing where the Job is gone, or another one has taken its name.
 *
 *      job-start (newer build):  ──┼ GET ──┼ PATCH superseded ─▶ ok ──────────────────────┼ DELETE ─▶
 *      service-delete:           ──────┼ GET ──────────────────────┼ PATCH cancelled ─▶ 409 ──┼ GET again ──┼ DELETE ─▶
 *
 * The second PATCH names an old resourceVersion, so it fails. service-delete reads the Job again, finds a reason, and
 * only deletes it.
 */
export async function endJob(
  cluster: Pick<Cluster, 'getJob' | 'patchJob' | 'deleteJob'>,
  name: string,
  uid: string | undefined,
  ended: Ended,
): Promise<void> {
  const shouldDelete = await retryConflicts(async () => {
    const job = await cluster.getJob(name);
    if (!job || job.metadata?.uid !== uid || keepsItsOutcome(job, ended)) {
      return false;
    }
    if (!needsNoReason(job)) {
      const resourceVersion = job.metadata?.resourceVersion;
      const annotations = { [ENDED_ANNOTATION]: JSON.stringify(ended) };
      await cluster.patchJob(name, { metadata: { resourceVersion, annotations } });
    }
    return true;
  });
  if (shouldDelete) {
    await cluster.deleteJob(name, uid);
  }
}

/**
 * A build that is over keeps its outcome when a newer build begins, or when it has waited too long. When its function
 * is deleted, it is deleted as well, and cancelled unless its end has been processed: with the Job go its pods, and
 * with them the digest of its image.
 */
function keepsItsOutcome(job: V1Job, { status }: Ended): boolean {
  return status !== 'cancelled' && readEnded(job) === undefined && isOver(job);
}

/**
 * It has a reason already, whose writer may have crashed before deleting the Job; or its terminal event has been
 * processed.
 */
function needsNoReason(job: V1Job): boolean {
  return readEnded(job) !== undefined || !awaitsTerminalEvent(job);
}

/** The reason to end a Job whose function is deleted. */
export function cancelled(reason: string | undefined): Ended {
  return {
    status: 'cancelled',
    reason: 'Cancelled',
    message: `service.delete arrived while it ran${reason ? ` (${reason})` : ''}. Send build.start to build the function again`,
  };
}

/** The reason to end a Job where a newer source of its parser is being built. */
export function superseded(newer: { correlation_id: string; observed_at: string }): Ended {
  return {
    status: 'superseded',
    reason: 'Superseded',
    message: `a newer source of this parser, seen at ${newer.observed_at}, was asked for by ${newer.correlation_id}: wait for its build.complete`,
  };
}

/** The reason to end a Job whose pods nodes keep ending. `last` is what was said of the last one. */
export function disruptedTooOften(times: number, last: string | undefined): Ended {
  return {
    status: 'failed',
    reason: 'Evicted',
    message: `nodes ended ${times} of its pods${last ? `, the last one with: ${last}` : ''}. If it wrote too much to disk, have it write less or BUILD_EPHEMERAL_STORAGE_LIMIT raised; else look at \`kubectl describe nodes\`. Then send build.start again`,
  };
}

/** The reason to end a Job that has not been admitted for a day. */
export function waitedTooLong(): Ended {
  return {
    status: 'timeout',
    reason: 'BuildTimeout',
    message: `it waited 24 hours for other builds to make room. See with \`kubectl get jobs -A -l app.kubernetes.io/component=build\` what runs, raise MAX_CONCURRENT_BUILDS if the nodes have room, then send build.start again`,
  };
}
