/** The `build.complete` of a request whose source has been built already. */
import { isDeepStrictEqual } from 'node:util';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { NewEvent } from '#shared/events/event.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import type { BuildRecord } from './record.ts';

export interface Answered {
  /** Of an end of its own. */
  id: string;
  correlation_id: string;
  observed_at: string;
  parameters: JobStart['parameters'];
  /** When the request was sent, where its sender said so. */
  time?: string | undefined;
}

const MINUTE = 60_000;
/** An event that waited longer for its delivery than this gets an end of its own. */
const LONGEST_DELAY = 5 * MINUTE;

/**
 * A request that was sent before that build ended, and asks for the same, shares its end: the same event, again. Any other has an end of its own,
 * `cached`, whose id comes from the request.
 *
 *      build.start ×20          Job runs            record written
 *   ────┼┼┼┼┼┼──────────────────────────────────────────┼──────────▶
 *       └ handled at once: join the Job                 └ the last ones, delayed in their queue, find the record: their `time` tells
 */
export function answerFromRecord(record: BuildRecord, request: Answered): NewEvent<'build.complete'> {
  const asksTheSame = isDeepStrictEqual(record.event.data.parameters, request.parameters);
  return asksTheSame && sentBeforeItsEnd(record, request.time) ? sameEvent(record) : cached(record, request);
}

function sentBeforeItsEnd({ observed_at, completed_at }: BuildRecord, time: string | undefined): boolean {
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
  { id, correlation_id, observed_at, parameters }: Answered,
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
