/** Events a minute, for each principal and in each pod. */

import type { Principal } from '#shared/clients/principals.ts';
import { type TokenBucket, tokenBucket } from '#shared/clients/token-bucket.ts';

export interface Rates {
  /** Seconds to wait; undefined where the event may pass. */
  exceeded(principal: Principal): number | undefined;
}

/** `factor`: how many of these a principal may ask for each event that it may send. */
export function createRates(factor = 1): Rates {
  const buckets = new Map<string, { perMinute: number; bucket: TokenBucket }>();
  return {
    exceeded({ name, events_per_minute }) {
      const perMinute = events_per_minute * factor;
      const perSecond = perMinute / 60;
      let own = buckets.get(name);
      if (own?.perMinute !== perMinute) {
        // Ten seconds' worth at once.
        own = { perMinute, bucket: tokenBucket({ perSecond, burst: Math.max(1, perSecond * 10), patience: 0 }) };
        buckets.set(name, own);
      }
      return own.bucket.take() === undefined ? Math.max(1, Math.ceil(1 / perSecond)) : undefined;
    },
  };
}
