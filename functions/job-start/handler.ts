/** `job.start`: makes the build's Job, or joins the one that is there. */
import type { V1Job } from '@kubernetes/client-node';
import { buildStarted } from '#shared/builds/build-started.ts';
import { detachJob } from '#shared/builds/detach-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import { repositoryPath } from '#shared/clients/image-registry.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { BuildStarted } from '#shared/events/lifecycle.ts';
import type { Reason } from '#shared/events/reasons.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { type RequestOutcome, readOutcome, recordOutcome, settleRequest } from '#shared/requests/outcome.ts';
import { deleteRequest } from '#shared/requests/request.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { kanikoJob } from '#shared/specs/kaniko-job.ts';
import { cacheRepository, jobName } from '#shared/specs/names.ts';
import type { RequestAddress } from '#shared/specs/s3-keys.ts';
import { reasonNotToBuild, supersedeOlderBuilds } from './build-order.ts';
import { type OverLimit, overLimit } from './client-limits.ts';
import type { JobStartDependencies, JobStartEvent } from './dependencies.ts';
import { joinOrReplace, recordedAnswer } from './join-or-replace.ts';
import { queuePosition } from './queue-position.ts';
import { jobStartProblems } from './verify-job-start.ts';

type Reply = RequestOutcome['reply'];

/** How often the Job may change hands under us before the broker has to bring the event again. */
const ATTEMPTS = 5;

/** Replies lifecycle.build.started; or build.complete where the request is over before it began; or event.rejected. */
export async function jobStart(
  event: JobStartEvent,
  deps: JobStartDependencies,
): Promise<NewEvent<'build.complete' | 'lifecycle.build.started' | 'event.rejected'>> {
  const { registry, temporaryBucket } = deps.settings;
  const problems = jobStartProblems(event.data, { registry, temporaryBucket, now: deps.now() });
  if (problems.length > 0) {
    return eventRejected(event.original, 'InvalidEvent', problems);
  }
  const known = await readOutcome(deps.store, addressOf(event, deps));
  if (known) {
    return await repeatOutcome(event, known, deps);
  }
  try {
    return await start(event, deps);
  } catch (error) {
    if (error instanceof PermanentError) {
      return await answer(
        event,
        completed(event, { status: 'failed', reason: error.reason, message: error.message }),
        deps,
      );
    }
    throw error;
  }
}

async function start(event: JobStartEvent, deps: JobStartDependencies): Promise<Reply> {
  const name = jobName(event.data, event.data.build_key);
  const obstacle = await reasonNotToBuild(event, deps);
  // Where this very event has made its Job before, the Job tells how it ends: the request must not have a second end of its own.
  if (obstacle && !isOf(event, await deps.cluster.getJob(name))) {
    return await answer(event, completed(event, obstacle), deps);
  }
  const entered = await enter(event, name, deps);
  if ('known' in entered) {
    return await repeatOutcome(event, entered.known, deps);
  }
  return 'type' in entered ? await answer(event, entered, deps) : await share(event, entered.end, deps);
}

/** Without a Job, or with the end of one that is over. */
async function answer(
  event: JobStartEvent,
  reply: NewEvent<'build.complete'>,
  deps: JobStartDependencies,
): Promise<Reply> {
  const end = reply.id ?? terminalId(event.id);
  const stands = await recordOutcome(deps.store, addressOf(event, deps), { end, reply });
  return stands.end === end
    ? await settleRequest(deps.store, addressOf(event, deps), stands)
    : await repeatOutcome(event, stands, deps);
}

/** With the end that the Job will have. */
async function share(event: JobStartEvent, end: string, deps: JobStartDependencies): Promise<Reply> {
  const reply = started(event, { state: 'started' });
  const stands = await recordOutcome(deps.store, addressOf(event, deps), { end, reply });
  return stands.end === end ? await goOn(event, deps) : await repeatOutcome(event, stands, deps);
}

/** The Job is there: everything that whoever made it may not have come to. */
async function goOn(event: JobStartEvent, deps: JobStartDependencies): Promise<Reply> {
  const name = jobName(event.data, event.data.build_key);
  await supersedeOlderBuilds(event, name, deps);
  const place = await queuePosition(deps.cluster, name, deps.slots);
  // The Job and its finalizer see to it from here on.
  await deleteRequest(deps.store, addressOf(event, deps));
  return started(event, place);
}

/** Another delivery of this event was faster: its answer stands. */
async function repeatOutcome(event: JobStartEvent, known: RequestOutcome, deps: JobStartDependencies): Promise<Reply> {
  const name = jobName(event.data, event.data.build_key);
  if (isOf(event, await deps.cluster.getJob(name))) {
    if (known.end === terminalId(event.id) && known.reply.type !== 'build.complete') {
      return await goOn(event, deps);
    }
    await detachJob(deps.cluster, name, event.id);
  }
  return await settleRequest(deps.store, addressOf(event, deps), known);
}

function started(
  event: JobStartEvent,
  place: Pick<BuildStarted, 'state' | 'queue_position'>,
): NewEvent<'lifecycle.build.started'> {
  const { third_party_id, parser_id, correlation_id, build_key } = event.data;
  const job_name = jobName(event.data, build_key);
  const data: BuildStarted = { third_party_id, parser_id, correlation_id, build_key, job_name, ...place };
  return buildStarted(event.id, data);
}

function addressOf({ id, data }: JobStartEvent, { settings }: JobStartDependencies): RequestAddress {
  return { bucket: settings.temporaryBucket, identity: data, terminalId: terminalId(id) };
}

function isOf(event: JobStartEvent, job: V1Job | undefined): boolean {
  return job !== undefined && readBuild(job)?.event_id === event.id;
}

/** After this the Job is there and this request may share its end; or the reply says why not. */
async function enter(
  event: JobStartEvent,
  name: string,
  deps: JobStartDependencies,
): Promise<NewEvent<'build.complete'> | { end: string } | { known: RequestOutcome }> {
  const { cluster, settings, imageRegistry } = deps;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const existing = await cluster.getJob(name);
    if (existing) {
      const answer = await joinOrReplace(event, existing, deps);
      if (answer !== 'changed') {
        return answer === 'joined' ? { end: terminalId(readBuild(existing)?.event_id ?? '') } : answer;
      }
      continue;
    }
    const answer = await recordedAnswer(event, deps);
    if (answer) {
      return answer;
    }
    const over = await overLimit(cluster, event.data, deps.limits, deps.now());
    if (over) {
      return tooMany(event, over);
    }
    await imageRegistry?.ensureRepository(repositoryPath(event.data.image.repository), 'images');
    await imageRegistry?.ensureRepository(repositoryPath(cacheRepository(settings.registry, event.data)), 'cache');
    // Once more: this process may have stood still for minutes, and another delivery been answered meanwhile.
    const known = await readOutcome(deps.store, addressOf(event, deps));
    if (known) {
      return { known };
    }
    if (await cluster.createJob(kanikoJob(event, settings))) {
      return { end: terminalId(event.id) };
    }
  }
  throw new RetryableError('Conflict', `Job ${name} changes with every look at it`, { retryAfter: 1 });
}

function tooMany(event: JobStartEvent, { message, retryAfter }: OverLimit): NewEvent<'build.complete'> {
  const ended = completed(event, { status: 'failed', reason: 'TooManyBuilds', message });
  return { ...ended, data: { ...ended.data, retry_after_seconds: retryAfter } };
}

/** A build that ends before it began. */
function completed({ id, data }: JobStartEvent, { status, reason, message }: Ending): NewEvent<'build.complete'> {
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
  };
  return { type: 'build.complete', id: terminalId(id), subject: subjectOf(data), data: complete };
}

interface Ending {
  status: Exclude<BuildComplete['status'], 'success'>;
  reason: Reason;
  message: string;
}
