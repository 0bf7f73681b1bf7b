/**
 * A token bucket: limits calls a second, and allows bursts. It begins full, since a process has made no calls when it
 * starts.
 */
import { SECOND } from '#shared/durations.ts';

export interface TokenBucket {
  /**
   * Takes a token and returns the milliseconds until it may be used. Undefined, and no token taken, where that is
   * longer than `patience`.
   */
  take(): number | undefined;
}

/** Filled by the clock, without a timer. A caller that waits has its token already, so callers are served in order. */
export function tokenBucket({
  perSecond,
  burst,
  patience,
}: {
  perSecond: number;
  burst: number;
  /** Milliseconds. */
  patience: number;
}): TokenBucket {
  let tokens = burst;
  let filledAt = performance.now();
  return {
    take() {
      const now = performance.now();
      tokens = Math.min(burst, tokens + ((now - filledAt) / SECOND) * perSecond);
      filledAt = now;
      const wait = Math.max(0, ((1 - tokens) / perSecond) * SECOND);
      if (wait > patience) {
        return undefined;
      }
      tokens -= 1;
      return wait;
    },
  };
}
