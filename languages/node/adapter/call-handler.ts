/** One request: CloudEvent in, the user's function, parser.complete out. */
import type { Problem } from '#shared/events/problem.ts';
import { decodeData } from '#shared/runtime/decode-data.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import type { Answer, FunctionRequest } from '#shared/runtime/request.ts';
import { RequestRefused } from '#shared/runtime/request-refused.ts';
import { callContext } from './call-context.ts';
import { type Described, describeError, stackOf } from './describe-error.ts';
import { withExactIntegers } from './exact-data.ts';
import { log } from './fail.ts';
import { identifiedEvent } from './identified-event.ts';
import type { Handler } from './load-handler.ts';
import { replyTo } from './reply.ts';
import { exactJson, resultJson } from './result-json.ts';

/** Above the contract's 1 MiB of an event, so that the platform's limit is the one that counts. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024;

export async function callHandler(
  handler: Handler,
  request: FunctionRequest,
  environment: NodeJS.ProcessEnv,
): Promise<Answer> {
  let event: Record<string, unknown>;
  let problem: string | undefined;
  try {
    ({ event, problem } = read(request));
  } catch (error) {
    if (!(error instanceof RequestRefused)) {
      throw error;
    }
    const { statusCode: status, message: detail, problems } = error;
    const known = problems.length > 0 ? identifiedEvent(request, MAX_EVENT_BYTES) : undefined;
    if (known === undefined) {
      return problemAnswer({ status, reason: 'NotACloudEvent', detail, ...(problems.length > 0 ? { problems } : {}) });
    }
    event = known;
    problem = told(problems);
  }
  const started = performance.now();
  // Its sender learns it from the reply; a 4xx would be the end of the event in a broker.
  const { body, stack }: Outcome =
    problem === undefined
      ? await outcomeOf(handler, event, environment)
      : { body: failed({ type: 'BadData', message: `the event's ${problem}` }) };
  const duration_ms = Math.round((performance.now() - started) * 1000) / 1000;
  const contextId = exactJson(contextIdOf(event['data']));
  const owner = { thirdParty: environment['THIRD_PARTY_ID'], parser: environment['PARSER_ID'] };
  return replyTo(event, `{"context_id":${contextId},${body},"duration_ms":${duration_ms}}`, owner, stack);
}

function read(request: FunctionRequest): { event: Record<string, unknown>; problem: string | undefined } {
  if (request.path !== '/' || request.method !== 'POST') {
    const status = request.path === '/' ? 405 : 404;
    throw new RequestRefused(status, `${request.method} ${request.path} is not served: POST a CloudEvent to /`, []);
  }
  const { attributes, content, problems } = readEnvelope(request, MAX_EVENT_BYTES);
  const { data, problem } = decodeData(content, attributes['datacontenttype'] as string | undefined);
  // Data is the body: of a header `ce-data` there is nothing to be handed over.
  const unusable = problems.filter(({ path }) => path !== 'data');
  return {
    event: { ...attributes, data: withExactIntegers(data, request) },
    problem: problem === undefined ? told(unusable) : `data ${problem}`,
  };
}

/** Undefined where there are none. */
function told(problems: Problem[]): string | undefined {
  return problems.length > 0 ? problems.map(({ path, message }) => `${path} ${message}`).join(', ') : undefined;
}

interface Outcome {
  /** JSON, without its braces. */
  body: string;
  /** Of an error. */
  stack?: string;
}

async function outcomeOf(
  handler: Handler,
  event: Record<string, unknown>,
  environment: NodeJS.ProcessEnv,
): Promise<Outcome> {
  try {
    const result = resultJson((await handler(event, () => callContext(event, environment))) ?? null);
    return { body: `"succeeded":true,"result":${result}` };
  } catch (error) {
    const stack = stackOf(error);
    log('error', 'the handler failed', { event: event['id'], stack });
    return { body: failed(describeError(error)), stack };
  }
}

function failed(error: Described): string {
  return `"succeeded":false,"error":${JSON.stringify(error)}`;
}

function contextIdOf(data: unknown): string | number | bigint | null {
  const { context_id, contextId } = Object(data) as Record<string, unknown>;
  const id = context_id ?? contextId;
  return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint' ? id : null;
}
