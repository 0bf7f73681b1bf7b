/** One request: CloudEvent in, the user's function, parser.complete out. */
import { decodeData } from '#shared/runtime/decode-data.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import type { Answer, FunctionRequest } from '#shared/runtime/request.ts';
import { RequestRefused } from '#shared/runtime/request-refused.ts';
import { log } from './fail.ts';
import type { Handler } from './load-handler.ts';
import { failed, type Outcome, replyTo } from './reply.ts';

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
    return problemAnswer({ status, reason: 'NotACloudEvent', detail, ...(problems.length > 0 ? { problems } : {}) });
  }
  const started = performance.now();
  // Its sender learns it from the reply; a 4xx would be the end of the event in a broker.
  const body =
    problem === undefined
      ? await outcomeOf(handler, event)
      : failed({ name: 'BadData', message: `the event's data ${problem}` });
  const duration_ms = Math.round((performance.now() - started) * 1000) / 1000;
  const data = { context_id: contextIdOf(event['data']), ...body, duration_ms };
  return replyTo(event, JSON.stringify(data), {
    thirdParty: environment['THIRD_PARTY_ID'],
    parser: environment['PARSER_ID'],
  });
}

function read(request: FunctionRequest): { event: Record<string, unknown>; problem: string | undefined } {
  if (request.path !== '/' || request.method !== 'POST') {
    const status = request.path === '/' ? 405 : 404;
    throw new RequestRefused(status, `${request.method} ${request.path} is not served: POST a CloudEvent to /`, []);
  }
  const { attributes, content } = readEnvelope(request, MAX_EVENT_BYTES);
  const { data, problem } = decodeData(content, attributes['datacontenttype'] as string | undefined);
  return { event: { ...attributes, data }, problem };
}

async function outcomeOf(handler: Handler, event: Record<string, unknown>): Promise<Outcome> {
  try {
    const result = (await handler(event)) ?? null;
    return { succeeded: true, result: JSON.parse(jsonOf(result)) };
  } catch (error) {
    log('error', 'the handler failed', { event: event['id'], stack: String(Object(error).stack ?? error) });
    return failed(error);
  }
}

function jsonOf(result: unknown): string {
  const refuse = (problem: string) =>
    Object.assign(
      new Error(
        `the handler's result can't be written as JSON (${problem}): return objects, arrays, strings, numbers, booleans or null`,
      ),
      { name: 'ResultNotSerializable' },
    );
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch (error) {
    throw refuse(String((error as Error).message).split('\n')[0] ?? '');
  }
  if (json === undefined) {
    throw refuse(`it is a ${typeof result}`);
  }
  return json;
}

function contextIdOf(data: unknown): string | number | null {
  const { context_id, contextId } = Object(data) as Record<string, unknown>;
  const id = context_id ?? contextId;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}
