/** The one `build.complete` of a Job. Sidecar, cluster-events and build-complete all say it with the same id and data. */
import type { V1Job } from '@kubernetes/client-node';
import type { CloudEvent } from 'cloudevents';
import type { BuildComplete } from '../events/build-complete.ts';
import { causedBy, deriveId, type NewEvent, SOURCE } from '../events/event.ts';
import { subjectOf } from '../events/identity.ts';
import { readBuild } from '../specs/annotations.ts';

export function terminalEvent(job: V1Job, outcome: BuildComplete): NewEvent {
  const build = readBuild(job);
  return {
    type: 'build.complete',
    // By the uid: a Job of the same name, made anew for a forced build, has an end of its own.
    id: deriveId('build.complete', job.metadata?.uid ?? ''),
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
