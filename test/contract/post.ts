/** Sends an event over HTTP in binary mode, to any address under any Host. */
import { randomBytes } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';

export interface EventToSend {
  type: string;
  id?: string;
  source?: string;
  subject?: string;
  time?: string;
  data?: unknown;
  /** In place of `data`: what is sent, and its content type. */
  content?: { type: string; body: string | Buffer };
  extensions?: Record<string, string>;
}

export interface Message {
  headers: Record<string, string>;
  body: string | Buffer;
}

export function binary(event: EventToSend): Message {
  return {
    headers: {
      'ce-specversion': '1.0',
      'ce-id': event.id ?? randomBytes(8).toString('hex'),
      'ce-source': event.source ?? 'test',
      'ce-type': event.type,
      ...(event.subject ? { 'ce-subject': event.subject } : {}),
      ...(event.time ? { 'ce-time': event.time } : {}),
      ...Object.fromEntries(Object.entries(event.extensions ?? {}).map(([name, value]) => [`ce-${name}`, value])),
      'content-type': event.content?.type ?? 'application/json',
    },
    body: event.content?.body ?? JSON.stringify(event.data ?? {}),
  };
}

/** By node:http, since fetch does not let a caller choose the Host. Rejects where nothing comes for `silence` ms. */
export async function post(
  url: URL,
  { headers, body }: Message,
  method = 'POST',
  silence = 0,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    // A connection of its own: one that was kept may have been closed at the far end of a tunnel.
    const call = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
      response.on('error', reject);
    });
    call.on('error', reject);
    call.setTimeout(silence, () => call.destroy(new Error(`${url} said nothing for ${silence} ms`)));
    call.end(method === 'GET' ? undefined : body);
  });
}
