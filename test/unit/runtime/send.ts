/** Requests as clients and brokers make them. */
import { request } from 'node:http';

export interface Received {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  json: any;
}

/** node:http, since fetch neither sends every header nor every method. */
export function send(
  url: string,
  {
    method = 'POST',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer | undefined },
): Promise<Received> {
  return new Promise((resolve, reject) => {
    // Node frames no body of its own accord where the method is unlikely to have one.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, { method, headers: { ...headers, ...length }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const json = /json/.test(response.headers['content-type'] ?? '') && text ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    outgoing.on('error', reject);
    // As bytes: Node would send headers and a string in one encoding, the string's.
    outgoing.end(body === undefined ? undefined : Buffer.from(body));
  });
}

const IDS = { third_party_id: 'acme', parser_id: 'p1' };

/** Binary mode. `undefined` leaves a header out. */
export function sendBinary(
  url: string,
  attributes: Record<string, string | string[] | undefined> = {},
  body: unknown = IDS,
): Promise<Received> {
  const all = {
    'ce-specversion': '1.0',
    'ce-id': 'e1',
    'ce-source': 'test',
    'ce-type': 'demo.start',
    'content-type': 'application/json',
    ...attributes,
  };
  const headers = Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  return send(url, { headers, body: isRaw ? (body as string | Buffer) : JSON.stringify(body) });
}

/** Structured mode. `undefined` leaves an attribute out. */
export function sendStructured(url: string, attributes: Record<string, unknown> = {}): Promise<Received> {
  const event = { specversion: '1.0', id: 'e1', source: 'test', type: 'demo.start', data: IDS, ...attributes };
  return send(url, { headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify(event) });
}
