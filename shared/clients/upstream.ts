/** The calls of this process to one upstream: bulkhead, rate limit, a few repeats, and a circuit breaker. */
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhenResult,
  retry,
} from 'cockatiel';
import { SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { upstreamMetrics } from '#shared/telemetry/upstream-metrics.ts';
import type { UpstreamFailure } from './classify.ts';
import { tokenBucket } from './token-bucket.ts';

/** Enough for a short interruption. Longer ones are left to the Broker's retries. */
const REPEATS = 2;
const REPEAT_WITHIN = 2 * SECOND;
const FIRST_DELAY = 200;
/** Seconds. A longer Retry-After is left to the Broker's retries. */
const LONGEST_RETRY_AFTER = 1;

const FAILURES_IN_A_ROW = 5;
/**
 * The breaker is then open for 1, 2, 4, 8, 10, 10 … seconds, after each of which one call is tried. The Broker's
 * longest delay is 32 s.
 */
const FIRST_PAUSE = SECOND;
const LONGEST_PAUSE = 10 * SECOND;

/** Calls that may wait in the bulkhead's queue, and how long a call may wait for a token. */
const WAITING_CALLS = 1000;
const PATIENCE = 2 * SECOND;

export interface UpstreamLimits {
  /** Calls at once. */
  atOnce: number;
  perSecond: number;
  /** Calls at once after a time without calls. */
  burst: number;
}

/**
 * An attempt that got no answer, a 5xx, or a request to slow down. With any other answer the upstream is healthy, and
 * the caller handles it.
 */
export interface Trouble {
  /** Contains neither credentials nor bodies. */
  detail: string;
  /** The upstream is down or failing. False where it only asks to slow down: 429, SlowDown. */
  isIll: boolean;
  /** Seconds, where the upstream has said so. */
  retryAfter?: number | undefined;
}

export interface Call<Answer> {
  send: () => Promise<Answer>;
  /** Undefined where the attempt was answered. */
  troubleOf: (attempt: PromiseSettledResult<Answer>) => Trouble | undefined;
  /** The call is idempotent: it may be repeated even where the first attempt succeeded and only its answer was lost. */
  isRepeatable: boolean;
}

export interface Upstream {
  /**
   * Returns or throws what the last attempt did. Throws RetryableError('Unavailable') where the breaker is open,
   * RetryableError('Throttled') where this process has too many calls under way; both with `retryAfter`.
   */
  call<Answer>(call: Call<Answer>): Promise<Answer>;
}

interface Attempt<Answer> {
  settled: PromiseSettledResult<Answer>;
  trouble: Trouble | undefined;
  again: boolean;
}

/**
 * One per upstream and process. `look` says how a person can check the upstream.
 *
 * A repeat passes through all limits again, and takes no place while it waits. Only results pass through the policies,
 * never errors: cockatiel's breaker does not count an unhandled error as a success, so refusals in between would not
 * reset its count of failures.
 */
export function createUpstream(system: UpstreamFailure['system'], limits: UpstreamLimits, look: string): Upstream {
  const count = upstreamMetrics(system);
  const bucket = tokenBucket({ ...limits, patience: PATIENCE });
  const places = bulkhead(limits.atOnce, WAITING_CALLS);
  let nextTryAt = 0;
  const breaker = circuitBreaker(
    handleWhenResult((attempt) => (attempt as Attempt<unknown>).trouble?.isIll === true),
    {
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
      halfOpenAfter: new DelegateBackoff(({ attempt }) => {
        const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1));
        nextTryAt = Date.now() + pause;
        return pause;
      }),
    },
  );
  const repeating = retry(
    handleWhenResult((attempt) => (attempt as Attempt<unknown>).again),
    {
      maxAttempts: REPEATS,
      backoff: new DelegateBackoff(({ attempt, result }) => {
        const { trouble } = (result as { value: Attempt<unknown> }).value;
        const jitter = Math.random() * FIRST_DELAY * 2 ** (attempt - 1);
        return (trouble?.retryAfter ?? 0) * SECOND + jitter;
      }),
    },
  );

  return {
    async call<Answer>(call: Call<Answer>) {
      const began = performance.now();
      const repeatUntil = began + REPEAT_WITHIN;
      let attempts = 0;
      let last: Attempt<Answer> | undefined;
      const ended = await repeating.execute(async () => {
        try {
          const { settled, trouble } = await attempt(call);
          const isTimely = performance.now() < repeatUntil && (trouble?.retryAfter ?? 0) <= LONGEST_RETRY_AFTER;
          const again = trouble !== undefined && call.isRepeatable && isTimely && breaker.state === CircuitState.Closed;
          attempts += 1;
          last = { settled, trouble, again };
        } catch (refusal) {
          if (!last) {
            count((refusal as RetryableError).reason === 'Unavailable' ? 'short_circuited' : 'limited');
            throw refusal;
          }
          // The upstream's own answer says more than that the breaker has opened since.
          last.again = false;
        }
        return last;
      });
      const outcome = ended.trouble ? 'failed' : attempts > 1 ? 'retried' : 'ok';
      count(outcome, (performance.now() - began) / 1000);
      if (ended.settled.status === 'rejected') {
        throw ended.settled.reason;
      }
      return ended.settled.value;
    },
  };

  async function attempt<Answer>({ send, troubleOf }: Call<Answer>): Promise<Omit<Attempt<Answer>, 'again'>> {
    // Checked before a place or a token is taken that other calls could use.
    if (breaker.state === CircuitState.Open && Date.now() < nextTryAt) {
      throw breakerOpen();
    }
    const wait = bucket.take();
    if (wait === undefined) {
      throw tooMany(`makes more than ${limits.perSecond} calls a second`);
    }
    if (wait > 0) {
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    try {
      return await places.execute(() =>
        breaker.execute(async () => {
          const [settled] = await Promise.allSettled([send()]);
          return { settled, trouble: troubleOf(settled) };
        }),
      );
    } catch (error) {
      if (error instanceof BrokenCircuitError) {
        throw breakerOpen();
      }
      if (error instanceof BulkheadRejectedError) {
        throw tooMany(`has ${limits.atOnce} calls under way and ${WAITING_CALLS} that wait`);
      }
      throw error;
    }
  }

  function breakerOpen(): RetryableError {
    const seconds = Math.max(1, Math.ceil((nextTryAt - Date.now()) / SECOND));
    const { value } = breaker.lastFailure as { value: Attempt<unknown> };
    const message = `${system} has failed ${FAILURES_IN_A_ROW} times in a row, at last with ${value.trouble?.detail}, and is not asked again for ${seconds} s. ${look}`;
    return new RetryableError('Unavailable', message, { retryAfter: seconds });
  }

  function tooMany(what: string): RetryableError {
    const message = `this process ${what} to ${system}, so this one was not made: it is tried again. Where this lasts, lower the parallelism of the function's Trigger`;
    return new RetryableError('Throttled', message, { retryAfter: PATIENCE / SECOND });
  }
}
