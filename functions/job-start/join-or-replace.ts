/** What a request does about a Job that exists already. */
import { isDeepStrictEqual } from 'node:util';
import type { V1Job } from '@kubernetes/client-node';
import { awaitsTerminalEvent, conditionOf, isOver, overSince } from '#shared/builds/job-state.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { SECOND } from '#shared/durations.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { answerFromRecord } from '#shared/requests/answer-from-record.ts';
import { readRecord } from '#shared/requests/record.ts';
import { type Build, buildAnnotations, isOf, observedAt, readBuild, readEnded } from '#shared/specs/annotations.ts';
import type { Claim } from './claim.ts';

/** The Broker retries after two seconds at the earliest. Pods take about as long to go. */
const RETRY_SECONDS = 2;

interface Records {
  store: Pick<ObjectStore, 'read'>;
  settings: { temporaryBucket: string };
}

/** `changed`: the Job is no longer as it was read, so the caller has to read it again. */
type Decision = Extract<Claim, { kind: 'joined' | 'answered' }> | { kind: 'changed' };

/**
 * A request joins a build that runs, and one that ended after the request's source was seen. A build that ended earlier
 * does not answer this request, which asks again after a failure or with `force`: its Job is deleted to make room for a
 * new one.
 *
 * Throws PermanentError('Refused') where the Job belongs to something else, RetryableError('BuildEnding') until a
 * former build is gone.
 */
export async function joinOrReplace(
  event: ReceivedEvent<JobStart>,
  job: V1Job,
  deps: Records & { cluster: Pick<Cluster, 'patchJob' | 'deleteJob'> },
): Promise<Decision> {
  const { name = '', namespace, uid, deletionTimestamp } = job.metadata ?? {};
  const build = readBuild(job);
  if (!build || !isOf(event.data, job)) {
    throw new PermanentError(
      'Refused',
      `Job ${name} is there, but not for this build: delete it with \`kubectl delete job ${name} -n ${namespace}\`, then send build.start again`,
    );
  }
  if (!isOver(job)) {
    return await joinRunning(event, job, build, deps.cluster);
  }
  if (endedForRequest(event, job, build)) {
    return joined(build);
  }
  if (hasSucceeded(job) && !event.data.force) {
    if (awaitsTerminalEvent(job) && hasSameEnd(event, job, build)) {
      return joined(build);
    }
    const reply = await replyFromRecord(event, deps);
    if (reply) {
      return { kind: 'answered', reply };
    }
  }
  if (deletionTimestamp !== undefined || awaitsTerminalEvent(job)) {
    throw new RetryableError('BuildEnding', `the former build ${name} has not gone yet`, { retryAfter: RETRY_SECONDS });
  }
  await deps.cluster.deleteJob(name, uid);
  return { kind: 'changed' };
}

/**
 * The reply where this source has been built in the meantime. With `force` only where that build was made for this very
 * request.
 */
export async function replyFromRecord(
  event: ReceivedEvent<JobStart>,
  { store, settings }: Records,
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
    // The record is of the Job that this very event created. So the event was sent before that build ended, and has
    // the same end.
    time: isOwn ? record.observed_at : undefined,
  });
}

/**
 * The content is the same, but the settings may differ. Those of the newest request are deployed, so they go onto the
 * Job.
 */
async function joinRunning(
  event: ReceivedEvent<JobStart>,
  job: V1Job,
  build: Build,
  cluster: Pick<Cluster, 'patchJob'>,
): Promise<Decision> {
  const { observed_at, parameters } = event.data;
  const later = Date.parse(observed_at) - observedAt(job);
  // Many copies of one request would each write a slightly later time, and cause conflicts for each other.
  const isCopy = later < SECOND && isDeepStrictEqual(parameters, build.parameters);
  if (later <= 0 || isCopy) {
    return joined(build);
  }
  const annotations = buildAnnotations({ ...build, observed_at, parameters });
  try {
    const patched = await cluster.patchJob(job.metadata?.name ?? '', {
      metadata: { resourceVersion: job.metadata?.resourceVersion, annotations },
    });
    return patched ? joined(build) : { kind: 'changed' };
  } catch (error) {
    if (error instanceof RetryableError && error.reason === 'Conflict') {
      return { kind: 'changed' };
    }
    throw error;
  }
}

/** Whether the build that has ended answers this request as well. */
function endedForRequest(event: ReceivedEvent<JobStart>, job: V1Job, build: Build): boolean {
  const isRedelivery = build.event_id === event.id;
  const lastJoined = Math.max(overSince(job) ?? 0, observedAt(job));
  // A build that was ended early (by a tombstone or a newer build) does not answer a later request: what ended the
  // build does not stand in the way of that request.
  const wasSeenBefore = readEnded(job) === undefined && Date.parse(event.data.observed_at) <= lastJoined;
  return isRedelivery || (wasSeenBefore && hasSameEnd(event, job, build));
}

/** A success deploys the build's own settings, so it answers only requests for the same ones. A failure answers all. */
function hasSameEnd(event: ReceivedEvent<JobStart>, job: V1Job, build: Build): boolean {
  return isDeepStrictEqual(event.data.parameters, build.parameters) || conditionOf(job, 'Failed') !== undefined;
}

/**
 * A Job whose end is processed, and that has not failed, has succeeded, even if its condition does not say Complete
 * yet.
 */
function hasSucceeded(job: V1Job): boolean {
  const isProcessed = !awaitsTerminalEvent(job) && conditionOf(job, 'Failed') === undefined;
  return (conditionOf(job, 'Complete') !== undefined || isProcessed) && readEnded(job) === undefined;
}

function joined({ event_id }: Build): Decision {
  return { kind: 'joined', terminalId: terminalId(event_id) };
}
