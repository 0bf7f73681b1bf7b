/**
 * Applies the upstream's limits to every request of an AWS client. For an upload that is each part, since its source
 * may be read from the same S3.
 */
import { awsTrouble } from './aws-failure.ts';
import type { Upstream } from './upstream.ts';

/** The SDK's own retries are off: they know no circuit breaker, and would wait for as long as a Retry-After says. */
export const ONE_ATTEMPT = 1;

type Handler<Request, Output> = (request: Request) => Promise<Output>;

/**
 * The middleware, for the first step of the stack. All our requests can be repeated: their bodies are text or Buffers.
 */
export function throughUpstream(upstream: Upstream) {
  return <Request, Output>(next: Handler<Request, Output>): Handler<Request, Output> =>
    (request) =>
      upstream.call({
        send: () => next(request),
        troubleOf: (attempt) => (attempt.status === 'rejected' ? awsTrouble(attempt.reason) : undefined),
        isRepeatable: true,
      });
}
