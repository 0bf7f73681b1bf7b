/** What is read from S3 again and again for many requests: the last reading, until it has become old. */
import { within } from '#shared/within.ts';

/** So long an answer waits for what is new, in milliseconds. After that it has what was read before. */
const PATIENCE = 300;

/**
 * Where S3 does not answer, the last reading stays: whatever else is asked for is answered all the same. `freshFor`: in
 * milliseconds, by the last reading. `now`: a clock in milliseconds that only goes forward.
 */
export function readAnew<Value>(
  read: () => Promise<Value>,
  { nothing, freshFor, now }: { nothing: Value; freshFor: (known: Value) => number; now: () => number },
): () => Promise<Value> {
  let known = nothing;
  let at = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  return async () => {
    if (now() - at > freshFor(known)) {
      reading ??= read()
        .then((found) => {
          known = found;
        })
        .catch(() => undefined)
        .finally(() => {
          at = now();
          reading = undefined;
        });
      await within(PATIENCE, reading, undefined);
    }
    return known;
  };
}
