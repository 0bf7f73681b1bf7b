/** Reads the principals at most once in five seconds, and goes on with the former ones where it cannot. */

import { type Principals, parsePrincipals } from '#shared/clients/principals.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';

/** So soon a principal that is blocked is nobody. */
const FRESH = 5 * SECOND;
/** So long the API server may be away. */
const STALE = 10 * MINUTE;

/** `read` gives undefined where nobody has written any: then nobody may send. */
export function readPrincipals(
  read: () => Promise<string | undefined>,
  now: () => number = () => performance.now(),
): () => Promise<Principals> {
  let known: { at: number; principals: Principals } | undefined;
  let reading: Promise<Principals> | undefined;
  return async () => {
    if (known && now() - known.at < FRESH) {
      return known.principals;
    }
    reading ??= fresh().finally(() => {
      reading = undefined;
    });
    return await reading;
  };

  async function fresh(): Promise<Principals> {
    const began = now();
    try {
      const parsed = parsePrincipals((await read()) ?? '');
      if ('problems' in parsed) {
        const cause = new Error(parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; '));
        const message =
          'ConfigMap knative-lambda-principals cannot be used: the operator has to mend what the log names';
        throw new RetryableError('DependenciesUnavailable', message, { cause });
      }
      known = { at: began, principals: parsed.principals };
      return parsed.principals;
    } catch (error) {
      if (known && began - known.at < STALE) {
        return known.principals;
      }
      throw error;
    }
  }
}
