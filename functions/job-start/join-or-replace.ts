/** What a request does about a Job that is there already. */
import { isDeepStrictEqual } from 'node:util';
import type { V1Job } from '@kubernetes/client-node';
import { awaitsTerminalEvent, conditionOf, overSince } from '#shared/builds/job-state.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { NewEvent } from '#shared/events/event.ts';
import { answerFromRecord } from '#shared/requests/answer-from-record.ts';
import { readRecord } from '#shared/requests/record.ts';
import { type Build, buildAnnotations, isOf, observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import type { JobStartDependencies, JobStartEvent } from './dependencies.ts';

/** The broker's first retry comes after two seconds; pods take some to go. */
const RETRY_SECONDS = 2;
const SECOND = 1000;

/**
 * A build that runs is joined, and so is one that ended after the request's source was seen: the request shares its end. One that ended before is
 * no answer to this request, which asks again after a failure, or with `force`: it has to make room.
 *
 * `changed`: look again. An event: the answer, without any Job.
 */
export async function joinOrReplace(
  event: JobStartEvent,
  job: V1Job,
  deps: JobStartDependencies,
): Promise<'joined' | 'changed' | NewEvent<'build.complete'>> {
  const { data } = event;
  const name = job.metadata?.name ?? '';
  const build = readBuild(job);
  if (!build || !isOf(data, job)) {
    throw new PermanentError(
      'Refused',
      `Job ${name} is there, but not for this build: delete it with \`kubectl delete job ${name} -n ${job.metadata?.namespace}\`, then send build.start again`,
    );
  }
  const since = overSince(job);
  if (since === undefined) {
    return await join(event, job, build, deps);
  }
  const observed = Date.parse(data.observed_at);
  const isRedelivery = build.event_id === event.id;
  // One that was ended early is no answer to whoever comes later: neither its tombstone nor its newer build stood in this request's way.
  const seenBeforeItsEnd = readEnded(job) === undefined && observed <= Math.max(since, observedAt(job));
  // Other settings would never be deployed with that end; a failure is everybody's.
  const isItsEndToo = isDeepStrictEqual(data.parameters, build.parameters) || conditionOf(job, 'Failed') !== undefined;
  if (isRedelivery || (seenBeforeItsEnd && isItsEndToo)) {
    return 'joined';
  }
  // What is processed and has not failed has succeeded, though the Job be not complete yet.
  const isToldSuccess = !awaitsTerminalEvent(job) && conditionOf(job, 'Failed') === undefined;
  const succeeded = (conditionOf(job, 'Complete') !== undefined || isToldSuccess) && readEnded(job) === undefined;
  if (succeeded && !data.force) {
    if (awaitsTerminalEvent(job) && isItsEndToo) {
      return 'joined';
    }
    const answer = await recordedAnswer(event, deps);
    if (answer) {
      return answer;
    }
  }
  const isGoing = job.metadata?.deletionTimestamp !== undefined;
  if (isGoing || awaitsTerminalEvent(job)) {
    throw new RetryableError('BuildEnding', `the former build ${name} has not gone yet`, { retryAfter: RETRY_SECONDS });
  }
  await deps.cluster.deleteJob(name, job.metadata?.uid);
  return 'changed';
}

/** The answer where this source has been built meanwhile; for a request that forces, only where that very build is its own. */
export async function recordedAnswer(
  event: JobStartEvent,
  { store, settings }: JobStartDependencies,
): Promise<NewEvent<'build.complete'> | undefined> {
  const { fingerprint, force, correlation_id, observed_at, parameters } = event.data;
  const record = await readRecord(store, settings.temporaryBucket, fingerprint, event.data);
  const isOwn = record?.event.causationid === event.id;
  if (!record || (force && !isOwn)) {
    return undefined;
  }
  return answerFromRecord(record, {
    id: terminalId(event.id),
    correlation_id,
    observed_at,
    parameters,
    // Delivered again after its Job has expired: it was sent before that build, of course.
    time: isOwn ? record.observed_at : undefined,
  });
}

/** The same content, but perhaps other settings: those of the newest request are the ones to deploy. */
async function join(
  event: JobStartEvent,
  job: V1Job,
  build: Build,
  { cluster }: JobStartDependencies,
): Promise<'joined' | 'changed'> {
  const { observed_at, parameters } = event.data;
  const later = Date.parse(observed_at) - observedAt(job);
  // Many copies of one request would each write their own moment, and be in each other's way.
  const isCopy = later < SECOND && isDeepStrictEqual(parameters, build.parameters);
  if (later <= 0 || isCopy) {
    return 'joined';
  }
  const annotations = buildAnnotations({ ...build, observed_at, parameters });
  try {
    const patched = await cluster.patchJob(job.metadata?.name ?? '', {
      metadata: { resourceVersion: job.metadata?.resourceVersion, annotations },
    });
    return patched ? 'joined' : 'changed';
  } catch (error) {
    if (error instanceof RetryableError && error.reason === 'Conflict') {
      return 'changed';
    }
    throw error;
  }
}
