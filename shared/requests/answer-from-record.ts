/** The `build.complete` of a request whose source has been built before. */
import { isDeepStrictEqual } from 'node:util';
import { MINUTE } from '#shared/durations.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { NewEvent } from '#shared/events/event.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import type { BuildRecord } from './record.ts';

export interface AnsweredRequest {
  /** Id of a terminal event of its own. */
  id: string;
  correlation_id: string;
  observed_at: string;
  parameters: JobStart['parameters'];
  /** When the request was sent, where its sender said so. */
  time?: string | undefined;
}

/** An event that waited longer than this for its delivery gets a terminal event of its own. */
const LONGEST_DELAY = 5 * MINUTE;

/**
 * A request that was sent before that build ended, with the same parameters, gets the same event again. Any other
 * request gets a terminal event of its own, with `cached`, whose id is derived from the request. Twenty requests at
 * once:
 *
 *      build.start ×20          Job runs            record written
 *   ────┼┼┼┼┼┼──────────────────────────────────────────┼──────────▶
 *       └ handled at once: they join the Job            └ the last ones, delayed in their queue, find the record. Their
 *                                                         `time` says that they were sent before the build ended.
 */
export function answerFromRecord(record: BuildRecord, request: AnsweredRequest): NewEvent<'build.complete'> {
  const hasSameParameters = isDeepStrictEqual(record.event.data.parameters, request.parameters);
  return hasSameParameters && wasSentDuringBuild(record, request.time) ? sameEvent(record) : cached(record, request);
}

function wasSentDuringBuild({ observed_at, completed_at }: BuildRecord, time: string | undefined): boolean {
  const sent = Date.parse(time ?? '');
  return sent >= Date.parse(observed_at) - LONGEST_DELAY && sent <= Date.parse(completed_at);
}

function sameEvent({ event }: BuildRecord): NewEvent<'build.complete'> {
  return {
    type: event.type,
    id: event.id,
    source: event.source,
    subject: event.subject,
    time: event.time,
    correlationId: event.correlationid,
    causationId: event.causationid,
    ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    data: event.data,
  };
}

function cached(
  record: BuildRecord,
  { id, correlation_id, observed_at, parameters }: AnsweredRequest,
): NewEvent<'build.complete'> {
  const { third_party_id, parser_id, build_key, fingerprint, image_uri } = record;
  const data: BuildComplete = {
    third_party_id,
    parser_id,
    correlation_id,
    status: 'success',
    build_key,
    fingerprint,
    image_uri,
    observed_at,
    cached: true,
    parameters,
    duration_ms: 0,
  };
  return { type: 'build.complete', id, subject: `${third_party_id}/${parser_id}`, data };
}
