/** `build.start`: packs the source into a content-addressed archive and asks for its build, or answers at once where there is nothing to build. */

import { bounded } from '#shared/bounded-text.ts';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { BuildStart } from '#shared/events/build-start.ts';
import { asRetryable, PermanentError } from '#shared/events/errors.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { answerFromRecord } from '#shared/requests/answer-from-record.ts';
import { type RequestOutcome, readOutcome, recordOutcome, settleRequest } from '#shared/requests/outcome.ts';
import { readRecord } from '#shared/requests/record.ts';
import { recordRequest } from '#shared/requests/request.ts';
import { imageRepository, imageTag } from '#shared/specs/names.ts';
import type { RequestAddress } from '#shared/specs/s3-keys.ts';
import type { BuildStartDependencies } from './dependencies.ts';
import { prepareBuild } from './prepare-build.ts';

/** Replies job.start; or build.complete where the source is built already or can't be; or event.rejected. */
export async function buildStart(
  event: ReceivedEvent<BuildStart>,
  deps: BuildStartDependencies,
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
  const { store, settings } = deps;
  const where = { bucket: settings.temporaryBucket, identity: event.data, terminalId: terminalIdOfRequest(event) };
  try {
    const [answer, kept, known] = await Promise.allSettled([
      build(event, bucket, deps),
      recordRequest(store, where, event),
      readOutcome(store, where),
    ]);
    // What is not kept could be lost with the answer; that S3 refuses to keep it is no fault of the request.
    if (kept.status === 'rejected') {
      throw asRetryable(kept.reason);
    }
    if (known.status === 'rejected') {
      throw asRetryable(known.reason);
    }
    if (known.value) {
      return await settleRequest(store, where, known.value);
    }
    if (answer.status === 'rejected') {
      throw answer.reason;
    }
    return answer.value.type === 'build.complete' ? await end(answer.value, where, deps) : answer.value;
  } catch (error) {
    if (error instanceof PermanentError) {
      return await end(failed(event, error), where, deps);
    }
    throw error;
  }
}

/** Before it is told: another delivery of the same event may have got as far as a Job meanwhile, or may have been told something else. */
async function end(
  reply: NewEvent<'build.complete'>,
  where: RequestAddress,
  deps: BuildStartDependencies,
): Promise<RequestOutcome['reply']> {
  const stands = await recordOutcome(deps.store, where, { end: reply.id ?? where.terminalId, reply });
  return await settleRequest(deps.store, where, stands);
}

async function build(
  event: ReceivedEvent<BuildStart>,
  bucket: string,
  deps: BuildStartDependencies,
): Promise<NewEvent<'job.start' | 'build.complete'>> {
  const { store, settings } = deps;
  const { data } = event;
  const { language, handler } = data.parameters;
  const request = { language, handler };
  const prefix = data.s3_prefix ?? `global/parser/${data.parser_id}/`;
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
  // Of this attempt alone: two deliveries of one event at once would copy and remove each other's archive. What a crash leaves behind expires
  // with the archives.
  const stagingId = deps.attemptId();
  const prepared = await deps.pack(fingerprint, () =>
    prepareBuild(store, { listing, identity: data, request, settings, stagingId }),
  );
  // What another request's archive was packed from was seen earlier than what this one saw, which is the same.
  const { observedAt } = prepared.fingerprint === fingerprint ? listing : prepared.listing;
  const jobStart: JobStart = {
    third_party_id: data.third_party_id,
    parser_id: data.parser_id,
    correlation_id: event.correlationId,
    build_key: prepared.buildKey,
    fingerprint: prepared.fingerprint,
    observed_at: observedAt.toISOString(),
    context: prepared.context,
    image: { repository: imageRepository(deps.imageRegistry, data), tag: imageTag(prepared.buildKey) },
    language: prepared.language,
    priority: data.priority,
    force: data.force,
    parameters: data.parameters,
  };
  return { type: 'job.start', subject: subjectOf(data), data: jobStart };
}

/** A message quotes the source, where a name can be as long as its file. */
const MESSAGE_LENGTH = 4000;

function failed(event: ReceivedEvent<BuildStart>, error: PermanentError): NewEvent<'build.complete'> {
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
