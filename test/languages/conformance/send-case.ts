/** Sends a case to a function, and compares what it answers. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { expect } from 'vitest';
import { deriveId } from '#shared/events/event.ts';
import { decodeHeaderValue } from '#shared/runtime/header-value.ts';
import type { Answer, Case } from './cases.ts';

/** ECMAScript 2026, which TypeScript does not know yet. */
const exact = JSON as unknown as {
  rawJSON(text: string): object;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};

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

export function expectAnswer({ status, headers, body }: Sent, one: Case, expected: Answer): void {
  if ('status' in expected) {
    expect({ status, type: headers['ce-type'] }).toEqual({ status: expected.status, type: undefined });
    return;
  }
  expect({ status, body: status === 200 ? '' : body }).toEqual({ status: 200, body: '' });
  const { 'ce-id': id = 'event-1' } = one.headers ?? {};
  expect(headers).toMatchObject({
    'ce-type': 'parser.complete',
    'ce-id': deriveId('test', decodeHeaderValue(String(id)), 'parser.complete'),
    ...one.reply,
  });
  expectOutcome(parsed(body), one, expected);
}

/** The data of a parser.complete. */
export function expectOutcome(
  outcome: unknown,
  { contextId }: Case,
  expected: Exclude<Answer, { status: number }>,
): void {
  const { succeeded, result, error, context_id } = outcome as {
    succeeded: boolean;
    result: unknown;
    error?: { type: string; message: string };
    context_id: unknown;
  };
  if (contextId !== undefined) {
    expect(context_id).toEqual(contextId);
  }
  if ('result' in expected) {
    expect({ succeeded, error }).toEqual({ succeeded: true, error: undefined });
    const isObject = typeof expected.result === 'object' && expected.result !== null && !Array.isArray(expected.result);
    expect(result).toEqual(isObject ? expect.objectContaining(expected.result as object) : expected.result);
    return;
  }
  expect({ succeeded, type: error?.type.split(/\.|::/).at(-1) }).toEqual({ succeeded: false, type: expected.error });
  expect(error?.message).toContain(expected.says ?? '');
  expect(error?.message).not.toBe('');
}

/** Integers that a number would round are BigInts. */
export function parsed(json: string): unknown {
  return exact.parse(json, (_, value, { source = '' }) =>
    typeof value === 'number' && /^-?\d+$/.test(source) && String(value) !== source ? BigInt(source) : value,
  );
}

export function written(value: unknown): string {
  return JSON.stringify(value, (_, entry) => (typeof entry === 'bigint' ? exact.rawJSON(String(entry)) : entry));
}
