/** The `lifecycle.build.started` of a request: the reply where a Job leads to its terminal event. */
import { deriveId, type NewEvent, SOURCE } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { BuildStarted } from '#shared/events/lifecycle.ts';

/**
 * The same event, with the same id, from job-start and from whoever repeats it: build-start, build-complete's record of
 * it, or sweep.
 */
export function buildStarted(jobStartId: string, data: BuildStarted): NewEvent<'lifecycle.build.started'> {
  const type = 'lifecycle.build.started';
  return { type, id: deriveId(SOURCE, jobStartId, type), subject: subjectOf(data), data };
}
