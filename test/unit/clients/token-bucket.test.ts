/** So many calls a second, on a clock of the test's own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tokenBucket } from '#shared/clients/token-bucket.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const taken = (bucket: ReturnType<typeof tokenBucket>, count: number) =>
  Array.from({ length: count }, () => bucket.take());

test('it begins full: whoever comes first waits for nothing', () => {
  const bucket = tokenBucket({ perSecond: 10, burst: 5, patience: 200 });
  expect(taken(bucket, 5)).toEqual([0, 0, 0, 0, 0]);
});

test('then each waits for its own token, and beyond the patience none is taken', () => {
  const bucket = tokenBucket({ perSecond: 10, burst: 2, patience: 200 });
  expect(taken(bucket, 6)).toEqual([0, 0, 100, 200, undefined, undefined]);
  vi.advanceTimersByTime(100);
  expect(taken(bucket, 2)).toEqual([200, undefined]);
});

test('a quiet time fills it, and no further than the burst', () => {
  const bucket = tokenBucket({ perSecond: 10, burst: 3, patience: 0 });
  taken(bucket, 3);
  vi.advanceTimersByTime(60_000);
  expect(taken(bucket, 4)).toEqual([0, 0, 0, undefined]);
});

test('no more than the burst and so many a second, whoever asks how often', () => {
  const bucket = tokenBucket({ perSecond: 10, burst: 5, patience: 0 });
  let given = 0;
  for (let elapsed = 0; elapsed < 10_000; elapsed += 7) {
    given += taken(bucket, 3).filter((wait) => wait !== undefined).length;
    vi.advanceTimersByTime(7);
  }
  expect(given).toBeGreaterThan(100);
  expect(given).toBeLessThanOrEqual(105);
});
