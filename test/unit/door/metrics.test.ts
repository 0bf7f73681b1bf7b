/** What the door counts of each function, and how many series that makes. */
import { beforeEach, expect, test } from 'vitest';
import type { CallReport } from '#functions/parser-events/dependencies.ts';
import { createCallMetrics } from '#functions/parser-events/metrics.ts';
import { registry } from '#shared/telemetry/metrics.ts';

let clock = 0;
beforeEach(() => {
  registry.clear();
  clock = Date.parse('2026-01-02T12:00:00Z');
});

const metrics = (functions = 500, leaveOut: string[] = []) =>
  createCallMetrics({ functions, leaveOut, now: () => new Date(clock) });
const report = (parser_id: string, more: Partial<CallReport> = {}): CallReport => ({
  identity: { third_party_id: 'acme', parser_id },
  lane: 'main',
  revision: 'r-1',
  outcome: 'succeeded',
  seconds: 0.02,
  cold: false,
  ...more,
});
async function seriesOf(parser: string): Promise<string[]> {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line.includes(`parser_id="${parser}"`));
}

test('outcomes with their reasons, durations by start, and the revision', async () => {
  const { called } = metrics();
  called(report('p1', { cold: true, seconds: 2 }));
  called(report('p1'));
  called(report('p1', { outcome: 'failed', reason: 'Timeout', revision: 'r-2' }));
  called(report('p1', { outcome: 'passed', revision: 'r-2' }));
  const lines = (await seriesOf('p1')).map((line) => line.replace('third_party_id="acme",parser_id="p1"', 'p1'));
  expect(lines).toContain('knative_lambda_calls_total{p1,outcome="succeeded",reason=""} 2');
  expect(lines).toContain('knative_lambda_calls_total{p1,outcome="failed",reason="Timeout"} 1');
  expect(lines).toContain('knative_lambda_calls_total{p1,outcome="failed",reason="OutOfMemory"} 0');
  expect(lines).toContain('knative_lambda_calls_total{p1,outcome="passed",reason=""} 1');
  expect(lines).toContain('knative_lambda_call_duration_seconds_count{p1,start="cold"} 1');
  expect(lines).toContain('knative_lambda_call_duration_seconds_count{p1,start="warm"} 3');
  expect(lines.filter((line) => line.includes('revision'))).toEqual([
    'knative_lambda_call_revision{p1,revision="r-2"} 1',
    'knative_lambda_revision_calls_total{p1,revision="r-2",outcome="succeeded"} 0',
    'knative_lambda_revision_calls_total{p1,revision="r-2",outcome="failed"} 1',
  ]);
});

test('calls that are handed on begin at 0, for every reason', async () => {
  const { handedOn } = metrics();
  handedOn('main', 'no place');
  const text = await registry.metrics();
  for (const why of ['own', 'passed', 'not ready', 'look-up']) {
    expect(text).toContain(`knative_lambda_calls_handed_on_total{lane="main",why="${why}"} 0\n`);
  }
  expect(text).toContain('knative_lambda_calls_handed_on_total{lane="main",why="no place"} 1\n');
});

test('a function has at most 25 series, whatever becomes of its calls', async () => {
  const { called } = metrics();
  for (const cold of [true, false]) {
    for (const reason of ['HandlerFailed', 'BadReply', 'Timeout', 'OutOfMemory'] as const) {
      called(report('p1', { outcome: 'failed', reason, cold, revision: `r-${reason}` }));
    }
    called(report('p1', { outcome: 'passed', cold }));
    called(report('p1', { cold }));
  }
  expect((await seriesOf('p1')).length).toBe(25);
});

test('a thousand functions have at most 25 series each', async () => {
  const { called } = metrics(1000);
  for (let parser = 0; parser < 1000; parser += 1) {
    called(report(`f${parser}`, { cold: parser % 2 === 0 }));
  }
  const series = (await registry.metrics()).split('\n').filter((line) => line.includes('parser_id="f'));
  expect(series.length).toBeLessThanOrEqual(25 * 1000);
});

test('functions over the bound, and those that are left out, are counted together', async () => {
  const { called } = metrics(2, ['acme/p1', 'shop']);
  for (const parser of ['p1', 'p2', 'p3', 'p4', 'p5', 'p2']) {
    called(report(parser));
  }
  called(report('s1', { identity: { third_party_id: 'shop', parser_id: 's1' } }));
  expect((await seriesOf('p2')).length).toBe(25);
  expect((await seriesOf('p3')).length).toBe(25);
  for (const shared of ['p1', 'p4', 'p5', 's1']) {
    expect(await seriesOf(shared)).toEqual([]);
  }
  const others = await seriesOf('other');
  expect(others.find((line) => line.includes('outcome="succeeded"'))).toMatch(/ 4$/);
  expect(others.some((line) => line.includes('revision'))).toBe(false);
});

test('labels by function can be turned off', async () => {
  metrics(0).called(report('p1'));
  expect(await seriesOf('p1')).toEqual([]);
  expect((await seriesOf('other')).find((line) => line.includes('outcome="succeeded"'))).toMatch(/ 1$/);
});

test('a function that was not called for an hour makes room for another', async () => {
  const { called } = metrics(1);
  called(report('p1'));
  clock += 3_500_000;
  called(report('p1'));
  clock += 3_500_000;
  expect((await seriesOf('p1')).length).toBe(25);
  clock += 200_000;
  expect(await seriesOf('p1')).toEqual([]);
  called(report('p2'));
  expect((await seriesOf('p2')).length).toBe(25);
});

test('what is handed on is counted by lane and reason', async () => {
  metrics().handedOn('main', 'no place');
  expect(await registry.metrics()).toContain('knative_lambda_calls_handed_on_total{lane="main",why="no place"} 1');
});
