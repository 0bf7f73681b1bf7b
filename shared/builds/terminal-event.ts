/** The one `build.complete` of a request. Of a Job's: sidecar, cluster-events and build-complete all say it with the same id and data. */
import type { V1Job } from '@kubernetes/client-node';
import type { CloudEvent } from 'cloudevents';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { causedBy, deriveId, type NewEvent, type ReceivedEvent, SOURCE } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { readBuild } from '#shared/specs/annotations.ts';

/**
 * Of the request that a `job.start` of ours stands for, whoever ends it: the Job that it made, or job-start itself where there is nothing to
 * build. So a request that is delivered again after its Job has gone can't get a second end.
 */
export function terminalId(jobStartId: string): string {
  return deriveId(SOURCE, jobStartId, 'build.complete');
}

/** The same, as build-start knows it: by the job.start that it answers, or would have answered. */
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

/** The same as an event that can be sent or kept. */
export function terminalCloudEvent(job: V1Job, outcome: BuildComplete): CloudEvent<unknown> {
  const event = terminalEvent(job, outcome);
  return causedBy({ id: event.causationId ?? '', source: SOURCE, correlationId: outcome.correlation_id }, event);
}
