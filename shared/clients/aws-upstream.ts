/** Has every request of an AWS client go through its upstream's limits: of an upload each part, since its source may be read from the same S3. */
import { awsTrouble } from './aws-failure.ts';
import type { Upstream } from './upstream.ts';

/** The SDK's own retries are off: they know no breaker, and would sleep for as long as a Retry-After says. */
export const ONE_ATTEMPT = 1;

type Handler<Request, Output> = (request: Request) => Promise<Output>;

/** The middleware, for the stack's first step. Each request of ours can be made again: its body is text or a Buffer, and the same each time. */
export function throughUpstream(upstream: Upstream) {
  return <Request, Output>(next: Handler<Request, Output>): Handler<Request, Output> =>
    (request) =>
      upstream.call({
        send: () => next(request),
        troubleOf: (attempt) => (attempt.status === 'rejected' ? awsTrouble(attempt.reason) : undefined),
        isRepeatable: true,
      });
}
