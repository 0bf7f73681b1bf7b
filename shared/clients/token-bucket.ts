/** So many calls a second, with a burst. It begins full: a cold start has everything before it and has used nothing. */

const SECOND = 1000;

export interface TokenBucket {
  /** Takes a token and tells the milliseconds until it may be used; undefined where that is beyond `patience`, and none is taken. */
  take(): number | undefined;
}

/** Filled by looking at the clock, so no timer keeps the process awake. Whoever waits has a token already: first come, first served. */
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
