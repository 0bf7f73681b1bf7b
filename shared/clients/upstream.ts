/** How this process treats one upstream: so many calls at once and a second, repeated a little, and none for a while where it keeps failing. */
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
import { RetryableError } from '#shared/events/errors.ts';
import { upstreamMetrics } from '#shared/telemetry/upstream-metrics.ts';
import type { UpstreamFailure } from './classify.ts';
import { tokenBucket } from './token-bucket.ts';

const SECOND = 1000;

/** A blip is over in less than this; the Broker's retries are the patient ones. */
const REPEATS = 2;
const REPEAT_WITHIN = 2 * SECOND;
const FIRST_DELAY = 200;
/** A Retry-After beyond it is the Broker's to wait for. */
const LONGEST_RETRY_AFTER = 1;

const FAILURES_IN_A_ROW = 5;
/** Then none for 1, 2, 4, 8, 10, 10 … seconds, after each of which one call tries: less than the Broker's own longest delay of 32. */
const FIRST_PAUSE = SECOND;
const LONGEST_PAUSE = 10 * SECOND;

/** Calls that wait while as many as allowed are under way, and how long one waits for its share of the calls a second. */
const WAITING_CALLS = 1000;
const PATIENCE = 2 * SECOND;

export interface UpstreamLimits {
  /** Calls at once. */
  atOnce: number;
  perSecond: number;
  /** Calls at once after a quiet time. */
  burst: number;
}

/** An attempt that got no answer, a 5xx, or was told to slow down. Whatever else was answered is the caller's: the upstream is well. */
export interface Trouble {
  /** Holds neither credentials nor bodies. */
  detail: string;
  /** It is down or failing. False where it only asks for patience: 429, SlowDown. */
  isIll: boolean;
  /** Seconds, where it said so. */
  retryAfter?: number | undefined;
}

export interface Call<Answer> {
  send: () => Promise<Answer>;
  /** Undefined where the attempt was answered. */
  troubleOf: (attempt: PromiseSettledResult<Answer>) => Trouble | undefined;
  /** A second time changes nothing that the first has not: also where the first was done and only its answer was lost. */
  isRepeatable: boolean;
}

export interface Upstream {
  /**
   * What the last attempt answered or threw. RetryableError('Unavailable') where the upstream is not asked at the moment, RetryableError('Throttled')
   * where this process has too many calls under way; both with a time.
   */
  call<Answer>(call: Call<Answer>): Promise<Answer>;
}

interface Attempt<Answer> {
  settled: PromiseSettledResult<Answer>;
  trouble: Trouble | undefined;
  again: boolean;
}

/**
 * One for an upstream and process. `look`: what a person does to see how the upstream is.
 *
 * A repeat goes through everything once more, and holds no place while it waits. Only results pass through the policies, never errors: to a breaker
 * of cockatiel's an error that it does not handle is no success, so refusals in between would not interrupt a row of failures.
 */
export function createUpstream(system: UpstreamFailure['system'], limits: UpstreamLimits, look: string): Upstream {
  const count = upstreamMetrics(system);
  const bucket = tokenBucket({ ...limits, patience: PATIENCE });
  const places = bulkhead(limits.atOnce, WAITING_CALLS);
  let askedAgainAt = 0;
  const breaker = circuitBreaker(
    handleWhenResult((attempt) => (attempt as Attempt<unknown>).trouble?.isIll === true),
    {
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
      halfOpenAfter: new DelegateBackoff(({ attempt }) => {
        const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1));
        askedAgainAt = Date.now() + pause;
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
      const repeatUntil = performance.now() + REPEAT_WITHIN;
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
          // What the upstream itself said tells more than that it is not asked again.
          last.again = false;
        }
        return last;
      });
      count(ended.trouble ? 'failed' : attempts > 1 ? 'retried' : 'ok');
      if (ended.settled.status === 'rejected') {
        throw ended.settled.reason;
      }
      return ended.settled.value;
    },
  };

  async function attempt<Answer>({ send, troubleOf }: Call<Answer>): Promise<Omit<Attempt<Answer>, 'again'>> {
    // Before a place or a token is taken, which others could use.
    if (breaker.state === CircuitState.Open && Date.now() < askedAgainAt) {
      throw notAsked();
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
        throw notAsked();
      }
      if (error instanceof BulkheadRejectedError) {
        throw tooMany(`has ${limits.atOnce} calls under way and ${WAITING_CALLS} that wait`);
      }
      throw error;
    }
  }

  function notAsked(): RetryableError {
    const seconds = Math.max(1, Math.ceil((askedAgainAt - Date.now()) / SECOND));
    const { value } = breaker.lastFailure as { value: Attempt<unknown> };
    const message = `${system} has failed ${FAILURES_IN_A_ROW} times in a row, at last with ${value.trouble?.detail}, and is not asked again for ${seconds} s. ${look}`;
    return new RetryableError('Unavailable', message, { retryAfter: seconds });
  }

  function tooMany(what: string): RetryableError {
    const message = `this process ${what} to ${system}, so this one was not made: it is tried again. Where this lasts, lower the parallelism of the function's Trigger`;
    return new RetryableError('Throttled', message, { retryAfter: PATIENCE / SECOND });
  }
}
