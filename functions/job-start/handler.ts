/**
 * `job.start`: claims the build's Job, by creating it or by joining the one that exists, and replies what came of it.
 */
import type { V1Job } from '@kubernetes/client-node';
import { admit } from '#shared/builds/admit.ts';
import { buildStarted } from '#shared/builds/build-started.ts';
import { detachJob } from '#shared/builds/detach-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import type { BuildStarted } from '#shared/events/lifecycle.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { type RequestOutcome, readOutcome, recordOutcome, settleRequest } from '#shared/requests/outcome.ts';
import { deleteRequest } from '#shared/requests/request.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { jobName } from '#shared/specs/names.ts';
import { reasonNotToBuild, supersedeOlderBuilds } from './build-order.ts';
import type { Claim, Ending } from './claim.ts';
import { addressOf, claimJob } from './claim-job.ts';
import type { JobStartDependencies } from './dependencies.ts';
import { queuePosition } from './queue-position.ts';
import { jobStartProblems } from './verify-job-start.ts';

type Reply = RequestOutcome['reply'];

/**
 * Replies lifecycle.build.started; build.complete where the request ends without a Job of its own; or event.rejected.
 */
export async function jobStart(
  event: ReceivedEvent<JobStart>,
  deps: JobStartDependencies,
): Promise<Reply | NewEvent<'event.rejected'>> {
  const { registry, temporaryBucket } = deps.settings;
  const problems = jobStartProblems(event.data, { registry, temporaryBucket, now: deps.now() });
  if (problems.length > 0) {
    return eventRejected(event.original, 'InvalidEvent', problems);
  }
  const outcome = await readOutcome(deps.store, addressOf(event, deps));
  if (outcome) {
    return await repeatOutcome(event, outcome, deps);
  }
  try {
    const claim = (await refusalOf(event, deps)) ?? (await claimJob(event, deps));
    return await answer(event, claim, deps);
  } catch (error) {
    if (error instanceof PermanentError) {
      const { reason, message } = error;
      return await answer(event, { kind: 'refused', ending: { status: 'failed', reason, message } }, deps);
    }
    throw error;
  }
}

async function refusalOf(event: ReceivedEvent<JobStart>, deps: JobStartDependencies): Promise<Claim | undefined> {
  const ending = await reasonNotToBuild(event, deps);
  if (!ending) {
    return undefined;
  }
  // If an earlier delivery of this event has created the Job, the request ends with that Job. A second end would
  // contradict it.
  const hasOwnJob = isJobOf(event, await deps.cluster.getJob(nameOf(event)));
  return hasOwnJob ? undefined : { kind: 'refused', ending };
}

async function answer(event: ReceivedEvent<JobStart>, claim: Claim, deps: JobStartDependencies): Promise<Reply> {
  switch (claim.kind) {
    case 'created':
      return await replyStarted(event, terminalId(event.id), deps);
    case 'joined':
      return await replyStarted(event, claim.terminalId, deps);
    case 'answered':
      return await replyEnded(event, claim.reply, deps);
    case 'refused':
      return await replyEnded(event, endedBuild(event, claim.ending), deps);
    case 'repeated':
      return await repeatOutcome(event, claim.outcome, deps);
  }
}

/** `end` is the id of the terminal event that the Job will have. */
async function replyStarted(event: ReceivedEvent<JobStart>, end: string, deps: JobStartDependencies): Promise<Reply> {
  const reply = startedBuild(event, { state: 'started' });
  const outcome = await recordOutcome(deps.store, addressOf(event, deps), { end, reply });
  return outcome.end === end ? await advanceJob(event, deps) : await repeatOutcome(event, outcome, deps);
}

async function replyEnded(
  event: ReceivedEvent<JobStart>,
  reply: NewEvent<'build.complete'>,
  deps: JobStartDependencies,
): Promise<Reply> {
  const where = addressOf(event, deps);
  const end = reply.id ?? terminalId(event.id);
  const outcome = await recordOutcome(deps.store, where, { end, reply });
  return outcome.end === end
    ? await settleRequest(deps.store, where, outcome)
    : await repeatOutcome(event, outcome, deps);
}

/**
 * Gives the recorded reply again. A Job that this delivery has created in vain is left to the requests that joined it.
 */
async function repeatOutcome(
  event: ReceivedEvent<JobStart>,
  outcome: RequestOutcome,
  deps: JobStartDependencies,
): Promise<Reply> {
  const name = nameOf(event);
  if (isJobOf(event, await deps.cluster.getJob(name))) {
    if (outcome.end === terminalId(event.id) && outcome.reply.type !== 'build.complete') {
      return await advanceJob(event, deps);
    }
    await detachJob(deps.cluster, name, event.id);
  }
  return await settleRequest(deps.store, addressOf(event, deps), outcome);
}

/**
 * Does everything that follows the creation of the Job. Its creator may have crashed before, so each delivery does it.
 */
async function advanceJob(event: ReceivedEvent<JobStart>, deps: JobStartDependencies): Promise<Reply> {
  const { cluster, slots } = deps;
  await supersedeOlderBuilds(event, nameOf(event), deps);
  if (slots) {
    await admit(cluster, slots);
  }
  const position = await queuePosition(cluster, nameOf(event), slots);
  // From here on the Job's finalizer makes sure that the request ends.
  await deleteRequest(deps.store, addressOf(event, deps));
  return startedBuild(event, position);
}

function startedBuild(
  event: ReceivedEvent<JobStart>,
  position: Pick<BuildStarted, 'state' | 'queue_position'>,
): NewEvent<'lifecycle.build.started'> {
  const { third_party_id, parser_id, correlation_id, build_key } = event.data;
  const data: BuildStarted = {
    third_party_id,
    parser_id,
    correlation_id,
    build_key,
    job_name: nameOf(event),
    ...position,
  };
  return buildStarted(event.id, data);
}

/** The terminal event of a build that ends before it begins. */
function endedBuild(
  { id, data }: ReceivedEvent<JobStart>,
  { status, reason, message, retryAfter }: Ending,
): NewEvent<'build.complete'> {
  const complete: BuildComplete = {
    third_party_id: data.third_party_id,
    parser_id: data.parser_id,
    correlation_id: data.correlation_id,
    status,
    build_key: data.build_key,
    fingerprint: data.fingerprint,
    observed_at: data.observed_at,
    cached: false,
    reason,
    error_message: message,
    parameters: data.parameters,
    ...(retryAfter === undefined ? {} : { retry_after_seconds: retryAfter }),
  };
  return { type: 'build.complete', id: terminalId(id), subject: subjectOf(data), data: complete };
}

function nameOf({ data }: ReceivedEvent<JobStart>): string {
  return jobName(data, data.build_key);
}

function isJobOf(event: ReceivedEvent<JobStart>, job: V1Job | undefined): boolean {
  return job !== undefined && readBuild(job)?.event_id === event.id;
}
