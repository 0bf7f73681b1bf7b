/** The model of docs/scale.md. Its tables there are compared by test/unit/docs. */
import { describe, expect, test } from 'vitest';
import { clustersFor, doorGets, LOAD, limitsOf, needsOf, sharedBy } from '#bench/scale-model.ts';

const none = { ...LOAD, functions: 0, tenants: 0, buildsPerHour: 0, callsPerSecond: 0 };

describe('what a load needs', () => {
  test('functions that nobody calls need no queue, no pod and nothing of S3', () => {
    const idle = { ...none, functions: 1000, awakeShare: 0, wakesPerHour: 0 };
    const { kubernetesServices, ...needs } = needsOf(idle);
    expect({ ...needs, kubernetesServices: 0 }).toEqual(needsOf(none));
    expect(kubernetesServices).toBe(3000);
  });

  test('a function with a queue of its own needs that queue and its dispatcher', () => {
    const functions = { ...none, functions: 1000, awakeShare: 0 };
    const own = needsOf({ ...functions, ownShare: 0.1 });
    expect(own.queues - needsOf(functions).queues).toBe(100);
    expect(own.pods - needsOf(functions).pods).toBe(100);
  });

  test('a tenth of the load needs a tenth of S3 and of the writes', () => {
    const [whole, tenth] = [needsOf(LOAD), needsOf(sharedBy(10, LOAD))];
    expect(tenth.apiWritesPerSecond * 10).toBeCloseTo(whole.apiWritesPerSecond);
    // But sweep comes once a minute, whatever the load.
    expect(tenth.s3PerSecond * 10).toBeGreaterThan(whole.s3PerSecond);
    expect(tenth.s3PerSecond * 10).toBeLessThan(whole.s3PerSecond * 1.1);
  });

  test.each([
    ['often: once in 5 s', 1_000_000, 20],
    ['seldom: at each call', 1, 1],
  ])('a pod of the door asks for 100 functions that are called %s', (_, callsPerSecond, expected) => {
    expect(doorGets({ ...LOAD, functions: 1000, awakeShare: 0.1, callsPerSecond }, 1)).toBeCloseTo(expected, 0);
  });
});

describe('the limits', () => {
  test('the first is the one of which the load wants most', () => {
    const shares = limitsOf(LOAD).map(({ carries, wanted }) => carries / wanted);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  });

  test('the shared queue carries a hundred calls at once, so ten times less where calls take ten times longer', () => {
    const carries = (callSeconds: number) =>
      limitsOf({ ...LOAD, callSeconds }).find(({ what }) => what === 'the shared queue of calls')?.carries ?? 0;
    expect(carries(10)).toBeCloseTo(7, 1);
    expect(carries(1) / carries(10)).toBeCloseTo(10, 0);
  });

  test('queues of their own for the busiest move it', () => {
    const [first] = limitsOf({ ...LOAD, ownShare: 0.01, ownCallShare: 0.8 });
    expect(limitsOf(LOAD)[0]?.what).toBe('the shared queue of calls');
    expect(first?.what).not.toBe('the shared queue of calls');
  });

  test('so many clusters meet none, and one less meets one', () => {
    const clusters = clustersFor(LOAD);
    const isMet = (count: number) => limitsOf(sharedBy(count, LOAD)).some(({ carries, wanted }) => carries < wanted);
    expect([isMet(clusters), isMet(clusters - 1)]).toEqual([false, true]);
  });
});
