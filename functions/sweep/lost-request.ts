/** What becomes of a request that nobody has answered. Pure: by S3's clock, and by what stands in the request itself. */

import type { PendingRequest } from '#shared/requests/request.ts';
import { isTombstoned, type Tombstone } from '#shared/requests/tombstone.ts';
import type { Ended } from '#shared/specs/annotations.ts';

const MINUTE = 60_000;

/**
 * Silence after which it is sent again for the first time … the fifth time, and given up at last: at 2, 4, 8, 16, 32 and 64 minutes where
 * every run comes in time. Counted from the last sign of it, so that after an outage each attempt has its time, too.
 */
const SILENCES = [2, 2, 4, 8, 16, 32].map((minutes) => minutes * MINUTE);
const ATTEMPTS = SILENCES.length - 1;

export interface SeenRequest {
  request: PendingRequest;
  /** When it was written last: by build-start as it handled it, or by sweep as it sent it again. */
  modified: Date;
}

export function isDue({ request, modified }: SeenRequest, now: Date): boolean {
  const last = request.resent === 0 ? request.since : modified;
  return now.getTime() - last.getTime() >= (SILENCES[Math.min(request.resent, ATTEMPTS)] ?? 0);
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
