/** Sends a case to a function. */
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Case } from './cases.ts';

/** ECMAScript 2026, which TypeScript does not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

export interface Sent {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export function requestOf({ act, headers = {}, body, structured }: Case): {
  headers: Record<string, string | string[]>;
  body: string | Buffer;
} {
  const event = { specversion: '1.0', id: 'event-1', source: 'test', type: 'parser.start', ...(act ? { act } : {}) };
  if (structured) {
    return { headers: { 'content-type': 'application/cloudevents+json' }, body: written({ ...event, ...structured }) };
  }
  const usual = Object.entries(event).map(([name, value]) => [`ce-${name}`, value]);
  const all: Record<string, string | string[] | undefined> = {
    ...Object.fromEntries(usual),
    'content-type': 'application/json',
    ...headers,
  };
  const sent = Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
  return { headers: Object.fromEntries(sent), body: body ?? '' };
}

/** By node:http: fetch sends no header twice, and not every method with a body. */
export async function send(url: string, one: Case): Promise<Sent> {
  const { headers, body } = requestOf(one);
  return new Promise((resolve, reject) => {
    const { method = 'POST', path = '/' } = one;
    const call = request(url + path, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, body: Buffer.concat(chunks).toString() });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

export function written(value: unknown): string {
  return JSON.stringify(value, (_, entry) => (typeof entry === 'bigint' ? rawJSON(String(entry)) : entry));
}
