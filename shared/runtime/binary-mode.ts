/** Binary mode: attributes are headers, the body is the data. Brokers deliver in this mode, and we send in it. */
import type { CloudEvent } from 'cloudevents';
import type { Problem } from '#shared/events/problem.ts';
import type { Content } from './content.ts';
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';
import { isJson } from './media-type.ts';
import type { FunctionRequest } from './request.ts';

const PREFIX = 'ce-';

export function readBinary(
  request: FunctionRequest,
  limit: number,
): { attributes: Record<string, unknown>; content: Content; problems: Problem[]; unusable: Problem[] } {
  const attributes: [string, string][] = [];
  const unusable: Problem[] = [];
  const problems: Problem[] = request.repeated
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ path: name.slice(PREFIX.length), message: `header ${name} is there more than once` }));
  for (const [header, value] of Object.entries(request.headers)) {
    if (!header.startsWith(PREFIX) || typeof value !== 'string') {
      continue;
    }
    const name = header.slice(PREFIX.length);
    if (name === 'datacontenttype' || name === 'data' || name === 'data_base64') {
      const instead = name === 'datacontenttype' ? 'as the header Content-Type' : 'as the body';
      // A Broker takes an extension `data`, and delivers it: a 4xx would be the end of the event.
      const list = name === 'data' ? unusable : problems;
      list.push({ path: name, message: `is no header in binary mode: send it ${instead}` });
      continue;
    }
    const decoded = decodeHeaderValue(value);
    // An optional attribute without a value counts as missing.
    if (decoded !== '') {
      attributes.push([name, decoded]);
    }
  }
  const contentType = request.headers['content-type'];
  if (contentType) {
    attributes.push(['datacontenttype', contentType]);
  }
  // fromEntries instead of assignment: a header ce-__proto__ must become an attribute, which is then refused.
  return { attributes: Object.fromEntries(attributes), content: contentOf(request, limit), problems, unusable };
}

function contentOf(request: FunctionRequest, limit: number): Content {
  if (request.size > limit || !request.body) {
    return { kind: 'too large', size: request.size, limit };
  }
  return request.size === 0 ? { kind: 'none' } : { kind: 'bytes', bytes: request.body };
}

const NOT_HEADERS = new Set(['data', 'data_base64', 'datacontenttype']);

/**
 * Does not use the SDK's encoder. That leaves header values as they are: Node and fetch refuse what is not Latin-1, and
 * receivers misread the rest. It throws at an extension called `constructor`, and writes JSON texts without quotes.
 */
export function writeBinary(event: CloudEvent<unknown>): { headers: Record<string, string>; body: string | Buffer } {
  const { datacontenttype = 'application/json' } = event;
  const headers: Record<string, string> = { 'content-type': datacontenttype };
  for (const [name, value] of Object.entries(event.toJSON())) {
    if (!NOT_HEADERS.has(name) && value !== undefined && value !== null) {
      headers[`${PREFIX}${name}`] = encodeHeaderValue(String(value));
    }
  }
  return { headers, body: bodyOf(event.data, datacontenttype) };
}

/** A Buffer is data that came with an event and could not be read by its content type: it goes on as it came. */
function bodyOf(data: unknown, contentType: string): string | Buffer {
  if (data === undefined) {
    return '';
  }
  if (Buffer.isBuffer(data) || (typeof data === 'string' && !isJson(contentType))) {
    return data;
  }
  return JSON.stringify(data);
}
