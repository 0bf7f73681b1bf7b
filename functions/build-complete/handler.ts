/** `build.complete`: deploys what has been built, if it is still wanted, and tells how the build ended. */
import type { V1Job } from '@kubernetes/client-node';
import { buildStarted } from '#shared/builds/build-started.ts';
import { awaitsTerminalEvent } from '#shared/builds/job-state.ts';
import { releaseJob } from '#shared/builds/release-job.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { BuildCompleted, BuildFailed } from '#shared/events/lifecycle.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { recordOutcome } from '#shared/requests/outcome.ts';
import { deleteRequest } from '#shared/requests/request.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { functionUrl } from '#shared/specs/knative-service.ts';
import { functionName } from '#shared/specs/names.ts';
import { type Confirmed, confirm } from './confirm.ts';
import type { BuildCompleteDependencies, BuildCompleteEvent } from './dependencies.ts';
import { deploy, type NotDeployed } from './deploy.ts';
import { keepRecord } from './keep-record.ts';

type BuildEnd = 'lifecycle.build.completed' | 'lifecycle.build.failed';

/**
 * Replies lifecycle.build.completed, lifecycle.build.failed, or event.rejected where nothing confirms the claim; nothing where the Job that it is
 * about has gone, which it does only once its end is processed.
 *
 * Every step can be done again, and the Job's finalizer goes last: whatever breaks in between, cluster-events or the broker brings the event
 * once more.
 */
export async function buildComplete(
  event: BuildCompleteEvent,
  deps: BuildCompleteDependencies,
): Promise<NewEvent<BuildEnd | 'event.rejected'> | undefined> {
  const claim = await confirm(event, deps);
  if (claim === 'processed') {
    return undefined;
  }
  if ('problems' in claim) {
    return eventRejected(event.original, 'InvalidEvent', claim.problems);
  }
  const { outcome, job } = claim;
  const where = { bucket: deps.temporaryBucket, identity: event.data, terminalId: event.id };
  const reply = 'image' in claim ? await succeed(event, claim, deps) : failed(outcome);
  if (job && awaitsTerminalEvent(job)) {
    // From now on the Job may go, and with it the one who knows that this request has been answered.
    await recordOutcome(deps.store, where, { end: event.id, reply: startedBy(job) });
    await releaseJob(deps.cluster, job, deps.now());
  }
  await deleteRequest(deps.store, where);
  return { ...reply, correlationId: outcome.correlation_id };
}

function startedBy(job: V1Job): NewEvent<'lifecycle.build.started'> {
  const build = readBuild(job);
  const { third_party_id = '', parser_id = '', correlation_id = '', build_key = '', event_id = '' } = build ?? {};
  const job_name = job.metadata?.name ?? '';
  return buildStarted(event_id, { third_party_id, parser_id, correlation_id, build_key, job_name, state: 'started' });
}

async function succeed(
  event: BuildCompleteEvent,
  claim: Confirmed,
  deps: BuildCompleteDependencies,
): Promise<NewEvent<BuildEnd>> {
  const { outcome } = claim;
  const obstacle = await deployed(event, claim, deps);
  if (claim.job) {
    // Also for what was not deployed: the image is there, so the same source need not be built again.
    await keepRecord(claim.job, outcome, deps);
  }
  if (obstacle) {
    return failed({ ...outcome, ...obstacle });
  }
  const service_name = functionName(outcome);
  const data: BuildCompleted = {
    third_party_id: outcome.third_party_id,
    parser_id: outcome.parser_id,
    correlation_id: outcome.correlation_id,
    ...(outcome.build_key ? { build_key: outcome.build_key } : {}),
    image_uri: claim.image,
    service_name,
    url: functionUrl(service_name, deps.settings.namespace),
    cached: outcome.cached,
    ...(outcome.duration_ms === undefined ? {} : { duration_ms: outcome.duration_ms }),
  };
  return { type: 'lifecycle.build.completed', subject: subjectOf(outcome), data };
}

/** What Kubernetes refuses for good ends the build as failed: the request's own settings may be at fault. */
async function deployed(
  event: BuildCompleteEvent,
  claim: Confirmed,
  deps: BuildCompleteDependencies,
): Promise<NotDeployed | undefined> {
  try {
    return await deploy(event.id, claim, deps);
  } catch (error) {
    if (error instanceof PermanentError) {
      return { status: 'failed', reason: error.reason, error_message: error.message };
    }
    throw error;
  }
}

function failed(outcome: BuildComplete): NewEvent<'lifecycle.build.failed'> {
  const data: BuildFailed = {
    third_party_id: outcome.third_party_id,
    parser_id: outcome.parser_id,
    correlation_id: outcome.correlation_id,
    ...(outcome.build_key ? { build_key: outcome.build_key } : {}),
    status: outcome.status,
    reason: outcome.reason ?? 'BuildFailed',
    error_message: outcome.error_message ?? '',
    ...(outcome.log ? { log: outcome.log } : {}),
  };
  return { type: 'lifecycle.build.failed', subject: subjectOf(outcome), data };
}
