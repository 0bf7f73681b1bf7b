/**
 * `build.start`: packs the source into a content-addressed archive and requests its build, or answers at once where
 * nothing is to be built.
 */
import { bounded } from '#shared/bounded-text.ts';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { BuildStart } from '#shared/events/build-start.ts';
import { asRetryable, PermanentError } from '#shared/events/errors.ts';
import { causedBy, type NewEvent, type ReceivedEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import { listSource } from '#shared/packing/list-source.ts';
import type { AssembledBuild } from '#shared/packing/types.ts';
import { answerFromRecord } from '#shared/requests/answer-from-record.ts';
import { recordBeginning, secondsToWait } from '#shared/requests/build-rate.ts';
import { type RequestOutcome, readOutcome, recordOutcome, settleRequest } from '#shared/requests/outcome.ts';
import { type BuildRecord, readRecord, writeRecord } from '#shared/requests/record.ts';
import { recordRequest } from '#shared/requests/request.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { imageRepository, imageTag } from '#shared/specs/names.ts';
import { logKey, type RequestAddress } from '#shared/specs/s3-keys.ts';
import { sourcePrefixOf } from '#shared/specs/source-prefix.ts';
import type { BuildStartDependencies } from './dependencies.ts';
import { boundProblems } from './function-bounds.ts';
import { prepareBuild } from './prepare-build.ts';

/** Replies job.start; build.complete where the source has been built before or can't be built; or event.rejected. */
export async function buildStart(
  event: ReceivedEvent<BuildStart>,
  deps: BuildStartDependencies,
  { note = () => undefined }: Partial<Pick<HandlerContext, 'note'>> = {},
): Promise<NewEvent<'job.start' | 'build.complete' | 'lifecycle.build.started' | 'event.rejected'>> {
  const bucket = event.data.s3_bucket ?? deps.sourceBucket;
  const allowed = [deps.sourceBucket, ...deps.sourceBuckets];
  if (!allowed.includes(bucket)) {
    return eventRejected(event.original, 'InvalidEvent', [
      {
        path: 'data.s3_bucket',
        message: `is "${bucket}", but source is taken only from ${[...new Set(allowed)].join(', ')}: upload it there, or have the operator add the bucket to SOURCE_BUCKETS`,
      },
    ]);
  }
  const source = sourcePrefixOf(deps.sourcePrefix, event.data, event.data.s3_prefix);
  if ('problem' in source) {
    return eventRejected(event.original, 'InvalidEvent', [{ path: 'data.s3_prefix', message: source.problem }]);
  }
  const tooMuch = boundProblems(event.data.parameters, deps.functionBounds);
  if (tooMuch.length > 0) {
    return eventRejected(event.original, 'InvalidEvent', tooMuch);
  }
  const { store, settings } = deps;
  const where = { bucket: settings.temporaryBucket, identity: event.data, terminalId: terminalIdOfRequest(event) };
  try {
    const [reply, request, outcome] = await Promise.allSettled([
      requestBuild(event, { bucket, prefix: source.prefix, note }, deps),
      recordRequest(store, where, event),
      readOutcome(store, where),
    ]);
    // A request that is not stored could be lost together with the reply. If S3 refuses to store it, the request is not
    // at fault.
    if (request.status === 'rejected') {
      throw asRetryable(request.reason);
    }
    if (outcome.status === 'rejected') {
      throw asRetryable(outcome.reason);
    }
    if (outcome.value) {
      return await settleRequest(store, where, outcome.value);
    }
    if (reply.status === 'rejected') {
      throw reply.reason;
    }
    return reply.value.type === 'build.complete' ? await replyEnded(reply.value, where, store) : reply.value;
  } catch (error) {
    if (error instanceof PermanentError) {
      return await replyEnded(buildFailed(event, error), where, store);
    }
    throw error;
  }
}

/**
 * Records the outcome first: another delivery of the same event may have led to a Job, or to another reply, in between.
 */
async function replyEnded(
  reply: NewEvent<'build.complete'>,
  where: RequestAddress,
  store: Pick<ObjectStore, 'read' | 'create' | 'remove'>,
): Promise<RequestOutcome['reply']> {
  const outcome = await recordOutcome(store, where, { end: reply.id ?? where.terminalId, reply });
  return await settleRequest(store, where, outcome);
}

async function requestBuild(
  event: ReceivedEvent<BuildStart>,
  { bucket, prefix, note }: { bucket: string; prefix: string; note: HandlerContext['note'] },
  deps: BuildStartDependencies,
): Promise<NewEvent<'job.start' | 'build.complete'>> {
  const { store, settings } = deps;
  const { data } = event;
  const { language, handler } = data.parameters;
  const request = { language, handler };
  const listing = await listSource(store, { bucket, prefix, maxBytes: settings.maxBytes, maxFiles: settings.maxFiles });
  const fingerprint = fingerprintOf({ listing, identity: data, request, settings });
  const record = data.force ? undefined : await readRecord(store, settings.temporaryBucket, fingerprint, data);
  if (record) {
    return answerFromRecord(record, {
      id: terminalIdOfRequest(event),
      correlation_id: event.correlationId,
      observed_at: listing.observedAt.toISOString(),
      parameters: data.parameters,
      time: event.time,
    });
  }
  const beginning = { third_party_id: data.third_party_id, fingerprint, observedAt: listing.observedAt };
  const wait = await secondsToWait(store, settings.temporaryBucket, beginning, deps.buildsPerMinute);
  if (wait !== undefined) {
    return tooManyBuilds(event, deps.buildsPerMinute, wait);
  }
  // The id belongs to this attempt alone: otherwise two deliveries of one event would overwrite and remove each other's
  // upload. An upload that a crash leaves behind expires together with the archives.
  const stagingId = deps.attemptId();
  const began = deps.now();
  // Whoever forces a build wants everything anew.
  const assembling =
    data.force || !deps.assembling
      ? undefined
      : {
          ...deps.assembling,
          store,
          temporaryBucket: settings.temporaryBucket,
          imageRegistry: deps.imageRegistry,
          refused: (message: string) => note({ registry_refused: message }),
        };
  const prepared = await deps.pack(data.force ? `${fingerprint} by force` : fingerprint, () =>
    prepareBuild(store, { listing, identity: data, request, settings, stagingId, assembling }),
  );
  // A source that cannot be built is told so as often as somebody asks.
  await recordBeginning(store, settings.temporaryBucket, beginning);
  // The archive may have been packed for another request, which saw the same source earlier. This request's own time
  // counts then.
  const { observedAt } = prepared.fingerprint === fingerprint ? listing : prepared.listing;
  if ('image' in prepared) {
    return await recordAssembled(event, { prepared, observedAt, began }, deps);
  }
  const jobStart: JobStart = {
    third_party_id: data.third_party_id,
    parser_id: data.parser_id,
    correlation_id: event.correlationId,
    build_key: prepared.buildKey,
    fingerprint: prepared.fingerprint,
    observed_at: observedAt.toISOString(),
    context: prepared.context,
    image: { repository: imageRepository(deps.imageRegistry, data), tag: imageTag(prepared.buildKey) },
    ...(prepared.dependencies ? { dependencies: prepared.dependencies } : {}),
    language: prepared.language,
    priority: data.priority,
    force: data.force,
    parameters: data.parameters,
  };
  return { type: 'job.start', subject: subjectOf(data), data: jobStart };
}

/** build-complete deploys what a record confirms, so the record comes first. */
async function recordAssembled(
  event: ReceivedEvent<BuildStart>,
  { prepared, observedAt, began }: { prepared: AssembledBuild; observedAt: Date; began: Date },
  { store, settings, now }: Pick<BuildStartDependencies, 'store' | 'settings' | 'now'>,
): Promise<NewEvent<'build.complete'>> {
  const { third_party_id, parser_id, parameters } = event.data;
  const ended = now();
  const name = `image-${prepared.buildKey.slice(0, 10)}`;
  const log = { bucket: settings.temporaryBucket, key: logKey({ third_party_id, parser_id }, name) };
  const about = {
    third_party_id,
    parser_id,
    fingerprint: prepared.fingerprint,
    build_key: prepared.buildKey,
    image_uri: prepared.image,
    observed_at: observedAt.toISOString(),
    started_at: began.toISOString(),
    completed_at: ended.toISOString(),
  };
  const data: BuildComplete = {
    ...about,
    correlation_id: event.correlationId,
    status: 'success',
    cached: false,
    log,
    parameters,
    duration_ms: ended.getTime() - began.getTime(),
  };
  const reply: NewEvent<'build.complete'> = {
    type: 'build.complete',
    id: terminalIdOfRequest(event),
    subject: subjectOf(data),
    time: about.completed_at,
    data,
  };
  const { language, listing } = prepared;
  const text = [
    'Put together without a build: what lies below the code is there already.',
    `Code: ${listing.files.length} files, ${listing.bytes} bytes, of s3://${listing.bucket}/${listing.prefix}`,
    `Pushed ${prepared.image} after ${data.duration_ms} ms`,
  ];
  await store.write(log.bucket, log.key, `${text.join('\n')}\n`, 'text/plain; charset=utf-8');
  const complete = causedBy(event, reply).toJSON() as BuildRecord['event'];
  await writeRecord(store, settings.temporaryBucket, { ...about, language, event: complete });
  return reply;
}

/** Messages quote the source, in which a name can be as long as the file. */
const MESSAGE_LENGTH = 4000;

/** Before anything is packed or pushed. job-start counts a client's Jobs once more: anybody can send a job.start. */
function tooManyBuilds(
  event: ReceivedEvent<BuildStart>,
  perMinute: number,
  retryAfter: number,
): NewEvent<'build.complete'> {
  const { third_party_id } = event.data;
  const error = new PermanentError(
    'TooManyBuilds',
    `${third_party_id} has begun ${perMinute} builds in the last minute, and may begin no more (MAX_BUILDS_PER_CLIENT_PER_MINUTE). Send build.start again in ${retryAfter} s`,
  );
  const { data, ...reply } = buildFailed(event, error);
  return { ...reply, data: { ...data, retry_after_seconds: retryAfter } };
}

function buildFailed(
  event: ReceivedEvent<BuildStart>,
  error: PermanentError,
): NewEvent<'build.complete'> & { data: BuildComplete } {
  const { third_party_id, parser_id, parameters } = event.data;
  const data: BuildComplete = {
    third_party_id,
    parser_id,
    correlation_id: event.correlationId,
    status: 'failed',
    cached: false,
    reason: error.reason,
    error_message: bounded(error.message, MESSAGE_LENGTH),
    parameters,
  };
  return { type: 'build.complete', id: terminalIdOfRequest(event), subject: subjectOf(event.data), data };
}
