/** Calls of the last hour in numbers, as they were read a moment ago. */
import type { CallNumbers, FunctionSummary } from '#shared/api/schemas.ts';
import { SECOND } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import { type CallRow, counterOf, durationsOf, FAILURES } from '#shared/history/call-numbers.ts';
import type { HourOfCalls } from '#shared/history/hour-of-calls.ts';
import { quantile } from '#shared/history/latencies.ts';
import { within } from '#shared/within.ts';
import { optional } from './function-view.ts';

const FRESH = 5 * SECOND;
/** So long an answer waits for what is new. After that it has what was read before. */
const PATIENCE = 300;

/** Undefined where nothing has been read yet: S3 is slow, down, or takes its time at the first look. */
export type ReadHour = () => Promise<HourOfCalls | undefined>;

/** `now`: milliseconds of a clock that only goes forward. */
export function createReadHour(hour: HourOfCalls, now: () => number = () => performance.now()): ReadHour {
  let known: HourOfCalls | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  return async () => {
    if (now() - asked >= FRESH) {
      asked = now();
      const refreshed = hour.refresh().then(
        () => {
          known = hour;
        },
        // Numbers are a help: whatever else is asked for is answered without them.
        () => undefined,
      );
      await within(PATIENCE, refreshed, undefined);
    }
    return known;
  };
}

/** What the list of functions tells. */
export function summaryNumbers(
  hour: HourOfCalls | undefined,
  identity: Identity,
): Pick<FunctionSummary, 'calls' | 'errors' | 'p95_ms'> {
  if (!hour) {
    return {};
  }
  const { calls, errors, p95_ms } = numbersOf(hour.totalOf(identity));
  return { calls, errors, ...optional('p95_ms', p95_ms) };
}

export function numbersOf(row: CallRow | undefined): CallNumbers {
  if (!row) {
    return { calls: 0, errors: 0, retried: 0, cold_starts: 0 };
  }
  const errors = FAILURES.reduce((sum, reason) => sum + counterOf(row, reason), 0);
  const durations = durationsOf(row);
  return {
    calls: counterOf(row, 'succeeded') + errors,
    errors,
    retried: counterOf(row, 'retried'),
    cold_starts: counterOf(row, 'cold'),
    ...optional('p50_ms', quantile(durations, 0.5)),
    ...optional('p95_ms', quantile(durations, 0.95)),
    ...optional('p99_ms', quantile(durations, 0.99)),
  };
}
