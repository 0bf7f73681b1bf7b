/** Repeats what a healthy upstream would answer. A build pod is nobody's request: no Broker tries it again. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RetryableError } from '#shared/events/errors.ts';

const FIRST_DELAY = 200;
const LONGEST_DELAY = 5_000;

/**
 * What `attempt` returns. Throws what its last try threw: anything but a RetryableError at once, a RetryableError when
 * `signal` is aborted. `told` gets the reason of each try that failed. The delays have full jitter, so that builds that
 * failed together do not retry together.
 */
export async function retry<Result>(
  attempt: () => Promise<Result>,
  signal: AbortSignal,
  told: (reason: string) => void,
): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RetryableError)) {
        throw error;
      }
      told(error.message);
      const bound = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** tries);
      await sleep(randomInt(Math.ceil(bound) + 1), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        throw error;
      }
    }
  }
}
