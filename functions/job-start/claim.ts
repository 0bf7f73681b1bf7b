/** What a request has come to, before it is answered. Types only; handler.ts says how each kind is answered. */
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { NewEvent } from '#shared/events/event.ts';
import type { Reason } from '#shared/events/reasons.ts';
import type { RequestOutcome } from '#shared/requests/outcome.ts';

export type Claim =
  /** The request created the Job. */
  | { kind: 'created' }
  /** The Job exists already; its terminal event, whose id this is, ends the request as well. */
  | { kind: 'joined'; terminalId: string }
  /** The source has been built before: the reply is its build.complete. */
  | { kind: 'answered'; reply: NewEvent<'build.complete'> }
  /** The request ends before a build begins. */
  | { kind: 'refused'; ending: Ending }
  /** Another delivery of the same event has been answered already. */
  | { kind: 'repeated'; outcome: RequestOutcome };

export interface Ending {
  status: Exclude<BuildComplete['status'], 'success'>;
  reason: Reason;
  message: string;
  /** Seconds after which the same request may succeed. */
  retryAfter?: number | undefined;
}
