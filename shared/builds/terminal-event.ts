/**
 * The one `build.complete` of a request. For a Job, sidecar, cluster-events and sweep all send it with the same id and
 * data.
 */
import type { V1Job } from '@kubernetes/client-node';
import type { CloudEvent } from 'cloudevents';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { causedBy, deriveId, type NewEvent, type ReceivedEvent, SOURCE } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { readBuild } from '#shared/specs/annotations.ts';

/**
 * The id of the request's terminal event, derived from its `job.start`, whether the Job ends the request or job-start
 * itself. So a request that is delivered again after its Job is gone can't end a second time.
 */
export function terminalId(jobStartId: string): string {
  return deriveId(SOURCE, jobStartId, 'build.complete');
}

/** The same id, derived from the `build.start`: its reply is that job.start, or would be. */
export function terminalIdOfRequest({ source, id }: Pick<ReceivedEvent<unknown>, 'source' | 'id'>): string {
  return terminalId(deriveId(source, id, 'job.start'));
}

export function terminalEvent(job: V1Job, outcome: BuildComplete): NewEvent<'build.complete'> {
  const build = readBuild(job);
  return {
    type: 'build.complete',
    id: terminalId(build?.event_id ?? ''),
    source: SOURCE,
    subject: subjectOf(outcome),
    ...(outcome.completed_at ? { time: outcome.completed_at } : {}),
    correlationId: outcome.correlation_id,
    ...(build ? { causationId: build.event_id } : {}),
    ...(build?.traceparent ? { traceparent: build.traceparent } : {}),
    data: outcome,
  };
}

/** The same as a CloudEvent, to be sent or stored. */
export function terminalCloudEvent(job: V1Job, outcome: BuildComplete): CloudEvent<unknown> {
  const event = terminalEvent(job, outcome);
  return causedBy({ id: event.causationId ?? '', source: SOURCE, correlationId: outcome.correlation_id }, event);
}
