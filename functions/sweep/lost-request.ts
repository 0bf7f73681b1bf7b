/**
 * When a request that has not been answered is sent again, and when it is given up. Pure: depends on S3's clock and the
 * request alone.
 */

import { MINUTE } from '#shared/durations.ts';
import type { PendingRequest } from '#shared/requests/request.ts';
import { isTombstoned, type Tombstone } from '#shared/requests/tombstone.ts';
import type { Ended } from '#shared/specs/annotations.ts';

/**
 * How long a request may stay unanswered before it is sent again for the first … the fifth time, and before it is given
 * up. If every run is in time, these are 2, 4, 8, 16, 32 and 64 minutes after it was received. Each delay counts from
 * the last attempt, so that after an outage each attempt still has its time.
 */
const DELAYS = [2, 2, 4, 8, 16, 32].map((minutes) => minutes * MINUTE);
const ATTEMPTS = DELAYS.length - 1;

export interface SeenRequest {
  request: PendingRequest;
  /** When it was written last: by build-start when it handled it, or by sweep when it sent it again. */
  modified: Date;
}

export function isDue({ request, modified }: SeenRequest, now: Date): boolean {
  const last = request.resent === 0 ? request.since : modified;
  return now.getTime() - last.getTime() >= (DELAYS[Math.min(request.resent, ATTEMPTS)] ?? 0);
}

/** Undefined where it is to be sent again. */
export function finalOutcome(
  { since, resent }: PendingRequest,
  tombstone: Tombstone | undefined,
): (Omit<Ended, 'status'> & { status: 'cancelled' | 'failed' }) | undefined {
  if (isTombstoned(tombstone, since.getTime())) {
    return {
      status: 'cancelled',
      reason: 'Cancelled',
      message: `service.delete arrived at ${tombstone?.time}, after this build was asked for. Send build.start to build the function again`,
    };
  }
  if (resent < ATTEMPTS) {
    return undefined;
  }
  return {
    status: 'failed',
    reason: 'NotProcessed',
    message: `the request of ${since.toISOString()} was sent ${ATTEMPTS} times again, and nothing answered it: see the dead letters and the logs of build-start and job-start, mend what they name, then send build.start again`,
  };
}
