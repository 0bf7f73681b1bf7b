/** The `lifecycle.build.started` of a request: what it is answered where a Job will bring its end about. */
import { deriveId, type NewEvent, SOURCE } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { BuildStarted } from '#shared/events/lifecycle.ts';

/** The same event whoever says it: job-start, or, where that was lost, build-start, build-complete's memory of it, or sweep. */
export function buildStarted(jobStartId: string, data: BuildStarted): NewEvent<'lifecycle.build.started'> {
  const type = 'lifecycle.build.started';
  return { type, id: deriveId(SOURCE, jobStartId, type), subject: subjectOf(data), data };
}
