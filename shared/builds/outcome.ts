/**
 * How a build ended, by its Job and pods. Pure: sidecar, cluster-events, build-complete and sweep come to the same
 * outcome.
 */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { type Build, type Ended, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { type Failure, failureReason } from './failure-reason.ts';
import { conditionOf, milliseconds } from './job-state.ts';
import { kanikoResult, podsOf, pushed } from './pod-results.ts';

/**
 * The data of the Job's build.complete; undefined while it runs, or where the Job is not one of ours.
 *
 * What counts, in this order:
 *  1. the `ended` annotation: it is written before a Job is ended early, and no later report of a pod changes it;
 *  2. an image that any of the Job's pods has pushed: the Job may not show it yet, or fail later for another reason;
 *  3. the Job's condition Failed;
 *  4. a deletion without a reason: somebody's `kubectl delete job`.
 *
 * An image that was pushed after the deletion does not count. Otherwise the outcome would depend on when it is asked
 * for:
 *
 *      deleted by hand        pod pushes during its grace period
 *   ─────────┼───────────────────────┼──────────▶
 *        cancelled            still cancelled
 */
export function outcomeOf(job: V1Job, pods: V1Pod[]): BuildComplete | undefined {
  const build = readBuild(job);
  if (!build) {
    return undefined;
  }
  const own = podsOf(job, pods);
  const data = (ending: Ending) => describe(job, own, build, ending);

  const ended = readEnded(job);
  if (ended) {
    return data({ status: ended.status, reason: ended.reason, error_message: ended.message, at: deletedAt(job) });
  }
  const image = own.map(pushed).find((result) => result !== undefined && result.at <= (deletedAt(job) ?? result.at));
  if (image) {
    const repository = build.image.replace(/:[^:/]*$/, '');
    return data({ status: 'success', image_uri: `${repository}@${image.digest}`, at: image.at });
  }
  const failed = conditionOf(job, 'Failed');
  if (failed) {
    return data({ ...failureReason(job, own, build), at: milliseconds(failed.lastTransitionTime) });
  }
  if (conditionOf(job, 'Complete')) {
    return data({
      status: 'failed',
      reason: 'BuildFailed',
      error_message: `the image was built, but its digest is lost: no pod of Job ${job.metadata?.name} is left to read it from. Send build.start with "force": true`,
      at: milliseconds(job.status?.completionTime),
    });
  }
  if (deletedAt(job) !== undefined) {
    return data({
      status: 'cancelled',
      reason: 'Cancelled',
      error_message: `Job ${job.metadata?.name} was deleted while it ran (kubectl delete job, or its namespace went). Send build.start again to build`,
      at: deletedAt(job),
    });
  }
  return undefined;
}

type Ending = (Failure | { status: 'success'; image_uri: string } | EndedEarly) & { at: number | undefined };

interface EndedEarly {
  status: Ended['status'];
  reason: Reason;
  error_message: string;
}

function describe(job: V1Job, pods: V1Pod[], build: Build, { at, ...ending }: Ending): BuildComplete {
  const started = milliseconds(job.status?.startTime ?? job.metadata?.creationTimestamp);
  const log = pods.some((pod) => kanikoResult(pod) !== undefined) ? logOf(build) : undefined;
  return {
    third_party_id: build.third_party_id,
    parser_id: build.parser_id,
    correlation_id: build.correlation_id,
    build_key: build.build_key,
    fingerprint: build.fingerprint,
    ...(job.metadata?.name ? { job_name: job.metadata.name } : {}),
    observed_at: build.observed_at,
    cached: false,
    parameters: build.parameters,
    ...ending,
    ...(log ? { log } : {}),
    ...(started === undefined ? {} : { started_at: new Date(started).toISOString() }),
    ...(at === undefined ? {} : { completed_at: new Date(at).toISOString() }),
    ...(started === undefined || at === undefined ? {} : { duration_ms: Math.max(0, at - started) }),
  };
}

function deletedAt(job: V1Job): number | undefined {
  return milliseconds(job.metadata?.deletionTimestamp);
}

function logOf({ log }: Build): { bucket: string; key: string } | undefined {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(log ?? '') ?? [];
  return bucket && key ? { bucket, key } : undefined;
}
