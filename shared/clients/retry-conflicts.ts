/** Read, decide, write on condition that nothing has changed; and again where something has. */
import { RetryableError } from '#shared/events/errors.ts';

/** An object's status changes a few times while its pods start and end, and each change may cost one attempt. */
const ATTEMPTS = 6;

/** Runs `attempt` until it does not end in RetryableError('Conflict'); at last that error is thrown for the broker to retry. */
export async function retryConflicts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      const changedMeanwhile = error instanceof RetryableError && error.reason === 'Conflict';
      if (!changedMeanwhile || count === ATTEMPTS) {
        throw error;
      }
    }
  }
}
