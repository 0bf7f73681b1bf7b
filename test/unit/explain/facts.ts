/** Facts for tests of explain, in few words. */
import { expect } from 'vitest';
import type { Build, Call, FunctionSummary, Letter } from '#shared/api/schemas.ts';
import { explanationSchema } from '#shared/api/schemas.ts';
import { explain } from '#shared/explain/explain.ts';
import { type Facts, noFacts } from '#shared/explain/facts.ts';
import type { RecordedEvent } from '#shared/history/recorded-event.ts';
import { disagreements, repeated } from './one-thing.ts';

export const NOW = new Date('2026-11-02T01:00:00Z');
const ACME = { third_party_id: 'acme', parser_id: 'p1' };
export const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();

export const build = (changes: Partial<Build> = {}): Build => ({
  ...ACME,
  correlation_id: 'b1',
  status: 'failed',
  started_at: ago(60),
  completed_at: ago(30),
  duration_ms: 30_000,
  ...changes,
});
export const event = (type: string, seconds: number, data: object = {}): RecordedEvent => ({
  time: ago(seconds),
  type,
  source: 'knative-lambda',
  id: `${type}-1`,
  correlation_id: 'b1',
  data,
});
export const fn = (changes: Partial<FunctionSummary> = {}): FunctionSummary => ({
  ...ACME,
  state: 'ready',
  service_name: 'fn-p1',
  delivery: 'shared',
  ...changes,
});
export const call = (type: string, message: string): Call => ({
  ...ACME,
  id: 'c1',
  time: ago(5),
  succeeded: false,
  error: { type, message },
  duration_ms: 1200,
});
export const letter = (reason: string, changes: Partial<Letter> = {}): Letter => ({
  id: 'a'.repeat(32),
  time: ago(100),
  type: 'parser.start',
  category: 'transient',
  reason,
  ...ACME,
  state: 'open',
  ...changes,
});
/** Every explanation of these tests is looked at: its next step and its command are one thing. */
export const of = (about: Facts['about'], facts: Partial<Facts> = {}) => {
  const found = explanationSchema.parse(explain({ ...noFacts(about, NOW), subject: 'acme/p1', id: 'c1', ...facts }));
  expect({ next: found.next, problems: found.next ? disagreements(found.next) : [] }).toEqual({
    next: found.next,
    problems: [],
  });
  expect(repeated(found)).toEqual([]);
  return found;
};
