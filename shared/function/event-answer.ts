/** The reply event, in binary mode: the broker sends it on. */
import { type CloudEvent, HTTP } from 'cloudevents';
import { encodeHeaderValue } from './header-value.ts';
import type { Answer } from './request.ts';

/** The SDK writes header values as they are, which Node refuses beyond Latin-1 and receivers misread within it. */
export function eventAnswer(event: CloudEvent<unknown>): Answer {
  const message = HTTP.binary(event);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = name.startsWith('ce-') ? encodeHeaderValue(String(value)) : String(value);
  }
  const body = message.body as string | undefined;
  return { statusCode: 200, headers, body: typeof body === 'string' ? body : '' };
}
