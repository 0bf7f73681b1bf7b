/** Structured mode: the whole event is one JSON object. Only direct callers of a function send it. */
import type { Problem } from '#shared/events/problem.ts';
import type { Content } from './content.ts';
import { parseJson } from './parse-json.ts';
import type { FunctionRequest } from './request.ts';
import { RequestRefused } from './request-refused.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws RequestRefused if the body is no JSON object, or too long to be kept. */
export function readStructured(
  request: FunctionRequest,
  limit: number,
): { attributes: Record<string, unknown>; content: Content; problems: Problem[] } {
  if (!request.body) {
    throw new RequestRefused(413, `the event has ${request.size} bytes; at most ${limit} are accepted`, []);
  }
  const { data, data_base64, ...rest } = parseObject(request.body);
  // JSON null means that the attribute is missing.
  const attributes = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== ''));
  const problems: Problem[] = [];
  let content: Content = { kind: 'none' };
  if (data_base64 !== undefined && data_base64 !== null) {
    if (data !== undefined) {
      problems.push({ path: 'data_base64', message: 'must not be there together with data: keep one of them' });
    }
    if (typeof data_base64 === 'string' && BASE64.test(data_base64)) {
      content = { kind: 'bytes', bytes: Buffer.from(data_base64, 'base64') };
    } else {
      problems.push({ path: 'data_base64', message: 'must be a string in base64 (RFC 4648, section 4)' });
    }
  } else if (data !== undefined) {
    content = { kind: 'value', value: data };
  }
  if (request.size > limit) {
    content = { kind: 'too large', size: request.size, limit };
  }
  return { attributes, content, problems };
}

function parseObject(body: Buffer): Record<string, unknown> {
  const refuse = (message: string) =>
    new RequestRefused(400, 'the body is not the JSON of a CloudEvent', [{ path: '', message }]);
  let parsed: unknown;
  try {
    parsed = parseJson(body);
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refuse('must be a JSON object');
  }
  return parsed as Record<string, unknown>;
}
