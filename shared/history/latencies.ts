/** Durations counted in fixed buckets, so that those of many pods and minutes can be added. */

/** Upper bounds in milliseconds, each about 1.6 times the one before. The last bucket has none. */
const BOUNDS = [
  1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1200, 2000, 3000, 5000, 8000, 12_000, 20_000, 30_000,
  60_000, 120_000, 300_000, 600_000,
] as const;

export const BUCKETS = BOUNDS.length + 1;

/** The index of the bucket that `milliseconds` falls into. */
export function bucketOf(milliseconds: number): number {
  const found = BOUNDS.findIndex((bound) => milliseconds <= bound);
  return found < 0 ? BOUNDS.length : found;
}

/**
 * The duration in milliseconds that the share `rank` (0 to 1) of all stays below, straight between the bounds of its
 * bucket: at most a bucket's width away from the true one. Undefined where nothing was counted.
 */
export function quantile(counts: ArrayLike<number>, rank: number): number | undefined {
  let total = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    total += counts[bucket] ?? 0;
  }
  if (total === 0) {
    return undefined;
  }
  let below = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = counts[bucket] ?? 0;
    if (count > 0 && below + count >= rank * total) {
      const from = BOUNDS[bucket - 1] ?? 0;
      const to = BOUNDS[bucket] ?? from;
      return rounded(from + (to - from) * Math.max(0, (rank * total - below) / count));
    }
    below += count;
  }
  return undefined;
}

/** Three digits: more would look more exact than it is. */
function rounded(milliseconds: number): number {
  return Number(milliseconds.toPrecision(3));
}
