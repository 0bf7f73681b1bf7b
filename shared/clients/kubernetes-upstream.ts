/** The Kubernetes client's way to HTTP: through the upstream's limits, each attempt with a time-out of its own. */
import {
  type Configuration,
  IsomorphicFetchHttpLibrary,
  type RequestContext,
  ResponseContext,
  SelfDecodingBody,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import * as z from 'zod';
import { networkCode, retryAfterSeconds } from './classify.ts';
import { createUpstream, type Trouble } from './upstream.ts';

/**
 * A job.start makes some ten calls, one after the other, and fifty of them may be under way. These bound a loop of ours that runs wild; what shares the
 * API server out among all pods is its own Priority and Fairness.
 */
const LIMITS = { atOnce: 32, perSecond: 200, burst: 400 };
const LOOK = 'See whether the API server is well with `kubectl get --raw /readyz`';

/** What binds a write to the version that was looked at. */
const boundSchema = z.union([
  z.object({ metadata: z.object({ resourceVersion: z.string() }) }),
  z.object({ preconditions: z.object({ uid: z.string() }) }),
]);

export function kubernetesHttp(timeout: number): Configuration['httpApi'] {
  const upstream = createUpstream('Kubernetes', LIMITS, LOOK);
  const library = new IsomorphicFetchHttpLibrary();

  /** With the whole body, so that an answer which breaks off is none. */
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
 * Not what is decided by an object that was missing, or that is changed whatever its version: between the attempts a newer build may have come. Where
 * the first attempt was done after all, the second is told AlreadyExists, Conflict or NotFound, as anybody is who comes second, and looks again.
 */
function isRepeatable(request: RequestContext): boolean {
  const method = request.getHttpMethod();
  if (method === 'GET' || method === 'POST') {
    return true;
  }
  const body = request.getBody();
  return typeof body === 'string' && boundSchema.safeParse(JSON.parse(body)).success;
}
