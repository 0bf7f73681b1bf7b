/**
 * Optimistic concurrency: reads, decides, writes on condition that nothing has changed, and starts over where something
 * has.
 */
import { RetryableError } from '#shared/events/errors.ts';

/** The status of an object changes a few times while its pods start and end. Each change may cost an attempt. */
const ATTEMPTS = 6;

/**
 * Runs `attempt` until it does not throw RetryableError('Conflict'). After the last attempt that error is thrown, so
 * that the Broker retries.
 */
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
