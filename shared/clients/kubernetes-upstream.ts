/** The HTTP library of the Kubernetes client: applies the upstream's limits, and a time-out to each attempt. */
import {
  type Configuration,
  IsomorphicFetchHttpLibrary,
  type RequestContext,
  ResponseContext,
  SelfDecodingBody,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import * as z from 'zod';
import { networkCode } from '#shared/network-code.ts';
import { retryAfterSeconds } from './classify.ts';
import { createUpstream, type Trouble } from './upstream.ts';

/**
 * A job.start makes some ten calls, one after the other, and fifty events may be handled at once. These limits bound a
 * runaway loop of ours. Among the pods, the API server's own Priority and Fairness shares its capacity.
 */
const LIMITS = { atOnce: 32, perSecond: 200, burst: 400 };
const LOOK = 'See whether the API server is well with `kubectl get --raw /readyz`';

/** The parts of a body that make a write conditional. */
const conditionalSchema = z.union([
  z.object({ metadata: z.object({ resourceVersion: z.string() }) }),
  z.object({ preconditions: z.object({ uid: z.string() }) }),
]);

export function kubernetesHttp(timeout: number): Configuration['httpApi'] {
  const upstream = createUpstream('Kubernetes', LIMITS, LOOK);
  const library = new IsomorphicFetchHttpLibrary();

  /** Reads the whole body, so that an answer that is cut off counts as no answer. */
  async function answerTo(request: RequestContext): Promise<ResponseContext> {
    request.setSignal(AbortSignal.timeout(timeout));
    const { httpStatusCode, headers, body } = await library.send(request).toPromise();
    const text = Buffer.from(await body.text());
    return new ResponseContext(httpStatusCode, headers, new SelfDecodingBody(Promise.resolve(text)));
  }

  return wrapHttpLibrary({
    send: (request) => upstream.call({ send: () => answerTo(request), troubleOf, isRepeatable: isRepeatable(request) }),
  });
}

function troubleOf(attempt: PromiseSettledResult<ResponseContext>): Trouble | undefined {
  if (attempt.status === 'rejected') {
    return { detail: networkCode(attempt.reason), isIll: true };
  }
  const { httpStatusCode: status, headers } = attempt.value;
  if (status !== 429 && status < 500) {
    return undefined;
  }
  // The API server writes details.retryAfterSeconds of its Status into this header.
  const retryAfter = retryAfterSeconds(headers['retry-after']);
  return { detail: `HTTP ${status}`, isIll: status >= 500, retryAfter };
}

/**
 * Reads, creates and conditional writes are repeated. An unconditional write is not: a newer build may have changed the
 * object between the attempts. If the first attempt has succeeded after all, the second gets AlreadyExists, Conflict or
 * NotFound, and the caller reads the object again.
 */
function isRepeatable(request: RequestContext): boolean {
  const method = request.getHttpMethod();
  if (method === 'GET' || method === 'POST') {
    return true;
  }
  const body = request.getBody();
  return typeof body === 'string' && conditionalSchema.safeParse(JSON.parse(body)).success;
}
