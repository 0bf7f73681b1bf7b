/** What becomes of calls to an upstream that is well, slow, throttling or down, on a clock of the test's own. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createUpstream, type Trouble, type Upstream } from '#shared/clients/upstream.ts';
import { registry } from '#shared/telemetry/metrics.ts';
import type { CallOutcome } from '#shared/telemetry/upstream-metrics.ts';

const LIMITS = { atOnce: 3, perSecond: 100, burst: 10_000 };
const down: Trouble = { detail: 'HTTP 503', isIll: true };
const slowDown: Trouble = { detail: 'HTTP 429', isIll: false };

beforeEach(() => {
  vi.useFakeTimers();
  registry.resetMetrics();
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const upstream = (limits = LIMITS) => createUpstream('Kubernetes', limits, 'Look.');

/** Answers with its number; `says` tells of each attempt what trouble it had. */
function calling(
  { call }: Upstream,
  says: (attempt: number) => Trouble | undefined,
  { isRepeatable = true, takes = 0 } = {},
) {
  const sentAt: number[] = [];
  const answer = call({
    send: async () => {
      sentAt.push(Date.now());
      const attempt = sentAt.length;
      if (takes > 0) {
        await new Promise((resolve) => setTimeout(resolve, takes));
      }
      if (says(attempt)) {
        throw new Error(`attempt ${attempt}`);
      }
      return attempt;
    },
    troubleOf: (settled) => (settled.status === 'rejected' ? says(sentAt.length) : undefined),
    isRepeatable,
  });
  answer.catch(() => undefined);
  return { sentAt, answer };
}

/** The same, with time passing until it has ended. */
async function called(...parameters: Parameters<typeof calling>) {
  const began = Date.now();
  const { sentAt, answer } = calling(...parameters);
  await vi.runAllTimersAsync();
  const ended = await answer.catch((error: Error) => error);
  return { attempts: sentAt.length, waited: (sentAt.at(-1) ?? began) - began, took: Date.now() - began, ended };
}

async function counted(): Promise<Partial<Record<CallOutcome, number>>> {
  const { values } = (await registry.getSingleMetric('knative_lambda_upstream_calls_total')?.get()) ?? { values: [] };
  const ofKubernetes = values.filter(({ labels, value }) => labels['system'] === 'Kubernetes' && value > 0);
  return Object.fromEntries(ofKubernetes.map(({ labels, value }) => [labels['outcome'], value]));
}

/** Leaves the circuit open. */
async function failFiveTimes(ill: Upstream): Promise<void> {
  for (let n = 0; n < 5; n++) {
    await called(ill, () => down, { isRepeatable: false });
  }
}

describe('repeats', () => {
  test('what is answered is sent once', async () => {
    expect(await called(upstream(), () => undefined)).toMatchObject({ attempts: 1, ended: 1 });
    expect(await counted()).toEqual({ ok: 1 });
  });

  test('a blip is repeated', async () => {
    const { attempts, ended } = await called(upstream(), (attempt) => (attempt < 3 ? down : undefined));
    expect([attempts, ended]).toEqual([3, 3]);
    expect(await counted()).toEqual({ retried: 1 });
  });

  test('at most twice, each after anything up to twice as long; then the last attempt’s own error comes through', async () => {
    const waits: number[] = [];
    for (let n = 0; n < 50; n++) {
      const { attempts, waited, ended } = await called(upstream(), () => down);
      expect(attempts).toBe(3);
      expect((ended as Error).message).toBe('attempt 3');
      waits.push(waited);
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(600);
    expect(new Set(waits).size).toBeGreaterThan(10);
    expect(await counted()).toEqual({ failed: 50 });
  });

  test('what must not be done twice is not', async () => {
    expect(await called(upstream(), () => down, { isRepeatable: false })).toMatchObject({ attempts: 1 });
  });

  test('a refusal is an answer', async () => {
    const { call } = upstream();
    const send = vi.fn(async () => {
      throw new Error('404');
    });
    await expect(call({ send, troubleOf: () => undefined, isRepeatable: true })).rejects.toThrow('404');
    expect(send).toHaveBeenCalledOnce();
    expect(await counted()).toEqual({ ok: 1 });
  });

  test.each([
    { case: 'short: waited for', retryAfter: 1, attempts: 3, least: 2000 },
    { case: 'long: left to the broker', retryAfter: 2, attempts: 1, least: 0 },
  ])('a Retry-After that is $case', async ({ retryAfter, attempts, least }) => {
    const result = await called(upstream(), () => ({ ...slowDown, retryAfter }));
    expect(result.attempts).toBe(attempts);
    expect(result.waited).toBeGreaterThanOrEqual(least);
    expect(result.waited).toBeLessThanOrEqual(least + 600);
  });

  test('what took long to fail is not done again', async () => {
    expect(await called(upstream(), () => down, { takes: 2000 })).toMatchObject({ attempts: 1 });
  });
});

describe('the circuit', () => {
  test('after five failures in a row nothing is sent, and it says so', async () => {
    const ill = upstream();
    await failFiveTimes(ill);
    const { attempts, ended } = await called(ill, () => undefined);
    expect(attempts).toBe(0);
    expect(ended).toMatchObject({ name: 'RetryableError', reason: 'Unavailable', retryAfter: 1 });
    expect((ended as Error).message).toBe(
      'Kubernetes has failed 5 times in a row, at last with HTTP 503, and is not asked again for 1 s. Look.',
    );
    expect(await counted()).toEqual({ failed: 5, short_circuited: 1 });
  });

  test('a call in whose repeats it opens tells what the upstream said, at once', async () => {
    const ill = upstream();
    await called(ill, () => down);
    const { attempts, waited, took, ended } = await called(ill, () => down);
    expect([attempts, took, (ended as Error).message]).toEqual([2, waited, 'attempt 2']);
    expect(await counted()).toEqual({ failed: 2 });
  });

  test('one that was about to be repeated when others opened it does so as well', async () => {
    const ill = upstream();
    vi.spyOn(Math, 'random').mockReturnValueOnce(0.99);
    const waiting = calling(ill, () => down);
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all(
      Array.from({ length: 4 }, () => calling(ill, () => down, { isRepeatable: false }).answer.catch(() => 0)),
    );
    await vi.runAllTimersAsync();
    await expect(waiting.answer).rejects.toThrow('attempt 1');
    expect(waiting.sentAt).toHaveLength(1);
    expect(await counted()).toEqual({ failed: 5 });
  });

  test('when the pause is over one call tries, the others wait for what it meets', async () => {
    const ill = upstream();
    await failFiveTimes(ill);
    await vi.advanceTimersByTimeAsync(1000);
    const probe = calling(ill, () => undefined, { takes: 50 });
    const others = [calling(ill, () => undefined), calling(ill, () => undefined)];
    await vi.advanceTimersByTimeAsync(49);
    expect([probe, ...others].map(({ sentAt }) => sentAt.length)).toEqual([1, 0, 0]);
    await vi.runAllTimersAsync();
    expect(await Promise.all([probe, ...others].map(({ answer }) => answer))).toEqual([1, 1, 1]);
  });

  test('the pauses grow to ten seconds, and begin anew once it is well', async () => {
    const ill = upstream();
    await failFiveTimes(ill);
    const pauses: (number | undefined)[] = [];
    for (let n = 0; n < 6; n++) {
      const { ended } = await called(ill, () => down);
      const { retryAfter } = ended as { retryAfter?: number };
      pauses.push(retryAfter);
      await vi.advanceTimersByTimeAsync((retryAfter ?? 0) * 1000);
      expect((await called(ill, () => down)).attempts).toBe(1);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 10, 10]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await called(ill, () => undefined)).ended).toBe(1);
    await failFiveTimes(ill);
    expect((await called(ill, () => undefined)).ended).toMatchObject({ retryAfter: 1 });
  });

  test.each<{ case: string; between: Trouble | undefined }>([
    { case: 'an answer', between: undefined },
    { case: 'being told to slow down', between: slowDown },
  ])('$case in between: no longer in a row', async ({ between }) => {
    const ill = upstream();
    for (let n = 0; n < 20; n++) {
      const says = n % 5 === 4 ? between : down;
      expect((await called(ill, () => says, { isRepeatable: false })).attempts).toBe(1);
    }
  });

  test('refusals in between, too: an upstream that refuses is well', async () => {
    const ill = upstream();
    const refusal = { send: () => Promise.reject(new Error('404')), troubleOf: () => undefined, isRepeatable: true };
    for (let n = 0; n < 20; n++) {
      if (n % 5 === 4) {
        await ill.call(refusal).catch(() => undefined);
      } else {
        expect((await called(ill, () => down, { isRepeatable: false })).attempts).toBe(1);
      }
    }
  });
});

describe('limits', () => {
  test('so many at once; the others take their turn', async () => {
    const { call } = upstream();
    let underWay = 0;
    let most = 0;
    const send = async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 10));
      underWay -= 1;
    };
    const calls = Array.from({ length: 20 }, () => call({ send, troubleOf: () => undefined, isRepeatable: true }));
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    expect(most).toBe(3);
    expect(await counted()).toEqual({ ok: 20 });
  });

  test('beyond those and a thousand that wait: Throttled, with a time', async () => {
    const busy = upstream();
    const calls = Array.from({ length: 1004 }, () => calling(busy, () => undefined, { takes: 10 }));
    await expect(calls[1003]?.answer).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Throttled',
      retryAfter: 2,
      message: expect.stringContaining('3 calls under way and 1000 that wait to Kubernetes'),
    });
    await vi.runAllTimersAsync();
    expect((await Promise.allSettled(calls.map(({ answer }) => answer))).filter(isDone)).toHaveLength(1003);
    expect(await counted()).toEqual({ ok: 1003, limited: 1 });
  });

  test('so many a second, after a burst: whoever would wait two seconds is told Throttled', async () => {
    const busy = upstream({ atOnce: 1000, perSecond: 10, burst: 5 });
    const calls = Array.from({ length: 30 }, () => calling(busy, () => undefined));
    await vi.advanceTimersByTimeAsync(0);
    expect(calls.filter(({ sentAt }) => sentAt.length === 1)).toHaveLength(5);
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls.filter(({ sentAt }) => sentAt.length === 1)).toHaveLength(15);
    await vi.runAllTimersAsync();
    expect((await Promise.allSettled(calls.map(({ answer }) => answer))).filter(isDone)).toHaveLength(25);
    expect(await counted()).toEqual({ ok: 25, limited: 5 });
  });

  test('a call that waits to be repeated holds nobody up', async () => {
    const busy = upstream({ ...LIMITS, atOnce: 1 });
    const repeated = calling(busy, () => ({ ...slowDown, retryAfter: 1 }));
    const other = calling(busy, () => undefined);
    await vi.advanceTimersByTimeAsync(1);
    expect(await other.answer).toBe(1);
    await vi.runAllTimersAsync();
    await expect(repeated.answer).rejects.toThrow('attempt 3');
  });

  test('an open circuit uses up no calls', async () => {
    const ill = upstream({ ...LIMITS, perSecond: 1, burst: 6 });
    await failFiveTimes(ill);
    for (let n = 0; n < 100; n++) {
      expect((await called(ill, () => undefined)).ended).toMatchObject({ reason: 'Unavailable' });
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect((await called(ill, () => undefined)).ended).toBe(1);
  });
});

test('every outcome stands at 0 before the first call', async () => {
  createUpstream('ECR', LIMITS, '');
  const text = await registry.metrics();
  for (const outcome of ['ok', 'retried', 'failed', 'short_circuited', 'limited']) {
    expect(text).toContain(`knative_lambda_upstream_calls_total{system="ECR",outcome="${outcome}"} 0`);
  }
});

function isDone({ status }: PromiseSettledResult<unknown>): boolean {
  return status === 'fulfilled';
}
