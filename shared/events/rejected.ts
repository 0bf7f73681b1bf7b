/** `event.rejected`: contains an event that a function refused, with every problem. */
import type { CloudEvent } from 'cloudevents';
import { boundedProblems, type Problem } from './problem.ts';
import type { Reason } from './reasons.ts';

export interface EventRejected {
  /** The original in structured form. */
  event: Record<string, unknown>;
  reason: Reason;
  problems: Problem[];
  /** The function that refused it. If several did, any one of them. */
  function?: string;
}

interface Rejection {
  type: 'event.rejected';
  data: EventRejected;
  subject?: string;
}

/** The event that replaces a refused one. dead-letter keeps it. */
export function eventRejected(original: CloudEvent<unknown>, reason: Reason, problems: Problem[]): Rejection {
  const data: EventRejected = { event: original.toJSON(), reason, problems: boundedProblems(problems) };
  return { type: 'event.rejected', data, ...(original.subject ? { subject: original.subject } : {}) };
}
