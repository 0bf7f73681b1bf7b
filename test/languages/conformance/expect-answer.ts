/** Compares an answer with the one that a case expects. */
import { expect } from 'vitest';
import { deriveId } from '#shared/events/event.ts';
import { decodeHeaderValue } from '#shared/runtime/header-value.ts';
import type { Answer, Case } from './cases.ts';
import type { Sent } from './send-case.ts';

/** ECMAScript 2026, which TypeScript does not know yet. */
const { parse } = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};

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
  return parse(json, (_, value, { source = '' }) =>
    typeof value === 'number' && /^-?\d+$/.test(source) && String(value) !== source ? BigInt(source) : value,
  );
}
