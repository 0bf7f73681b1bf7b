/** `event.rejected`: an event that a function had to refuse, kept whole with every reason. */
import type { CloudEvent } from 'cloudevents';
import type { NewEvent } from './event.ts';
import { boundedProblems, type Problem } from './problem.ts';

export interface EventRejected {
  /** The original in structured form. */
  event: Record<string, unknown>;
  reason: string;
  problems: Problem[];
  /** The function that refused it; of several, any one. */
  function?: string;
}

/** The event that stands for a refused one. It goes to dead-letter, which keeps it. */
export function eventRejected(original: CloudEvent<unknown>, reason: string, problems: Problem[]): NewEvent {
  const data: EventRejected = { event: original.toJSON(), reason, problems: boundedProblems(problems) };
  return { type: 'event.rejected', data, ...(original.subject ? { subject: original.subject } : {}) };
}
