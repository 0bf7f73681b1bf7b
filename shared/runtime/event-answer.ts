/** The reply event, in binary mode: the broker sends it on. */
import type { CloudEvent } from 'cloudevents';
import { encodeHeaderValue } from './header-value.ts';
import { isJson } from './media-type.ts';
import type { Answer } from './request.ts';

const NO_HEADERS = new Set(['data', 'data_base64', 'datacontenttype']);

/**
 * Not by the SDK: it writes header values as they are, which Node refuses beyond Latin-1 and receivers misread within it; throws at an extension
 * called `constructor`; and writes a JSON text without its quotes.
 */
export function eventAnswer(event: CloudEvent<unknown>): Answer {
  const { datacontenttype = 'application/json' } = event;
  const headers: Record<string, string> = { 'content-type': datacontenttype };
  for (const [name, value] of Object.entries(event.toJSON())) {
    if (!NO_HEADERS.has(name) && value !== undefined && value !== null) {
      headers[`ce-${name}`] = encodeHeaderValue(String(value));
    }
  }
  return { statusCode: 200, headers, body: bodyOf(event.data, datacontenttype) };
}

/** Bytes are what came and could not be read as what its content type says. */
function bodyOf(data: unknown, contentType: string): string | Buffer {
  if (data === undefined) {
    return '';
  }
  if (Buffer.isBuffer(data) || (typeof data === 'string' && !isJson(contentType))) {
    return data;
  }
  return JSON.stringify(data);
}
