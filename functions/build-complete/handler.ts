/**
 * `build.complete`: deploys what has been built, unless it is superseded or deleted, and replies how the build ended.
 */
import type { V1Job } from '@kubernetes/client-node';
import { BUILD_RECORD, type BuildRecord, buildRecord } from '#shared/builds/build-record.ts';
import { buildStarted } from '#shared/builds/build-started.ts';
import { awaitsTerminalEvent } from '#shared/builds/job-state.ts';
import { endOlderBuilds, jobsOf } from '#shared/builds/older-builds.ts';
import { releaseJob } from '#shared/builds/release-job.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { BuildCompleted, BuildFailed } from '#shared/events/lifecycle.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { recordOutcome } from '#shared/requests/outcome.ts';
import { deleteRequest } from '#shared/requests/request.ts';
import { type Build, readBuild } from '#shared/specs/annotations.ts';
import { functionUrl } from '#shared/specs/knative-service.ts';
import { functionName } from '#shared/specs/names.ts';
import { type ConfirmedSuccess, confirm } from './confirm.ts';
import type { BuildCompleteDependencies } from './dependencies.ts';
import { deploy, type NotDeployed } from './deploy.ts';
import { keepRecord } from './keep-record.ts';

type EndReply = NewEvent<'lifecycle.build.completed' | 'lifecycle.build.failed'>;

/**
 * Replies lifecycle.build.completed, lifecycle.build.failed, or event.rejected where nothing confirms the event.
 * Replies nothing where the event has been processed already, and its Job is gone.
 *
 * Every step is idempotent, and the Job's finalizer is removed last. After a crash in between, cluster-events or the
 * Broker delivers the event again.
 */
export async function buildComplete(
  event: ReceivedEvent<BuildComplete>,
  deps: BuildCompleteDependencies,
): Promise<EndReply | NewEvent<'event.rejected'> | undefined> {
  const confirmation = await confirm(event, deps);
  switch (confirmation.kind) {
    case 'processed':
      return undefined;
    case 'unconfirmed':
      return eventRejected(event.original, 'InvalidEvent', confirmation.problems);
    case 'unsuccessful':
      return await settle(event, confirmation, buildFailed(confirmation.outcome), deps);
    case 'success':
      return await settle(event, confirmation, await deployAndRecord(event, confirmation, deps), deps);
  }
}

interface Ended {
  outcome: BuildComplete;
  job?: V1Job | undefined;
  phases?: BuildRecord['phases'] | undefined;
  /** Of a success. */
  build?: Build;
}

/** Marks the end as processed: from now on nothing has to remember the request. */
async function settle(
  event: ReceivedEvent<BuildComplete>,
  { outcome, job, phases, build }: Ended,
  reply: EndReply,
  deps: BuildCompleteDependencies,
): Promise<EndReply> {
  const where = { bucket: deps.temporaryBucket, identity: event.data, terminalId: event.id };
  const record = buildRecord({
    outcome,
    phases,
    build: build ?? (job && readBuild(job)),
    hasImage: build !== undefined,
    deployedAt: reply.type === 'lifecycle.build.completed' ? deps.now() : undefined,
  });
  if (job && awaitsTerminalEvent(job)) {
    // Without its finalizer the Job may be deleted. After that this record alone says that the request has been
    // answered.
    await recordOutcome(deps.store, where, { end: event.id, reply: startedReplyOf(job) });
    await releaseJob(deps.cluster, job, deps.now());
  }
  await deleteRequest(deps.store, where);
  return {
    ...reply,
    correlationId: outcome.correlation_id,
    extensions: { [BUILD_RECORD]: JSON.stringify(record) },
  };
}

function startedReplyOf(job: V1Job): NewEvent<'lifecycle.build.started'> {
  const build = readBuild(job);
  const { third_party_id = '', parser_id = '', correlation_id = '', build_key = '', event_id = '' } = build ?? {};
  const job_name = job.metadata?.name ?? '';
  return buildStarted(event_id, { third_party_id, parser_id, correlation_id, build_key, job_name, state: 'started' });
}

async function deployAndRecord(
  event: ReceivedEvent<BuildComplete>,
  success: ConfirmedSuccess,
  deps: BuildCompleteDependencies,
): Promise<EndReply> {
  const { outcome } = success;
  const obstacle = await deployUnlessRefused(event, success, deps);
  if (success.job) {
    // Also where it was not deployed: the image exists, so the same source need not be built again.
    await keepRecord(success.job, outcome, deps);
  }
  if (obstacle) {
    return buildFailed({ ...outcome, ...obstacle });
  }
  if (!success.job) {
    // job-start has seen nothing of this build. Older ones could not be deployed any more, and hold slots.
    await endOlderBuilds(await jobsOf(outcome, deps.cluster), { ...success.build, end: event.id }, deps.cluster);
  }
  const service_name = functionName(outcome);
  const data: BuildCompleted = {
    third_party_id: outcome.third_party_id,
    parser_id: outcome.parser_id,
    correlation_id: outcome.correlation_id,
    ...(outcome.build_key ? { build_key: outcome.build_key } : {}),
    image_uri: success.image,
    service_name,
    url: functionUrl(service_name, deps.settings.namespace),
    cached: outcome.cached,
    ...(outcome.duration_ms === undefined ? {} : { duration_ms: outcome.duration_ms }),
  };
  return { type: 'lifecycle.build.completed', subject: subjectOf(outcome), data };
}

/** A refusal by Kubernetes that is final ends the build as failed: the settings of the request may be the cause. */
async function deployUnlessRefused(
  event: ReceivedEvent<BuildComplete>,
  success: ConfirmedSuccess,
  deps: BuildCompleteDependencies,
): Promise<NotDeployed | undefined> {
  try {
    return await deploy(event.id, success, deps);
  } catch (error) {
    if (error instanceof PermanentError) {
      return { status: 'failed', reason: error.reason, error_message: error.message };
    }
    throw error;
  }
}

function buildFailed(outcome: BuildComplete): NewEvent<'lifecycle.build.failed'> {
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
