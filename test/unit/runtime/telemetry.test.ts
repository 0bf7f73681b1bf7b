/** What a function tells of itself: log lines and metrics. */
import { afterEach, expect, test } from 'vitest';
import { RetryableError } from '#shared/events/errors.ts';
import { demo, type Running, run } from './run.ts';
import { send, sendBinary } from './send.ts';

let running: Running | undefined;
afterEach(async () => {
  await running?.close();
});

const metricsOf = async ({ metricsPort }: Running) =>
  (await send(`http://127.0.0.1:${metricsPort}/metrics`, { method: 'GET' })).text;

test('each event is one line with its ids, its trace and its outcome', async () => {
  running = await run(
    demo((_, __, { log }) => {
      log.info('at work');
      return { type: 'demo.done' };
    }),
  );
  const answer = await sendBinary(running.url, { 'ce-subject': 'acme/p1' });
  const ids = {
    function: 'demo',
    traceid: answer.headers['x-trace-id'],
    spanid: expect.stringMatching(/^[0-9a-f]{16}$/),
    correlationid: 'e1',
    third_party_id: 'acme',
    parser_id: 'p1',
    event_id: 'e1',
    event_type: 'demo.start',
  };
  expect(running.lines).toContainEqual(expect.objectContaining({ ...ids, level: 'info', msg: 'at work' }));
  expect(running.lines).toContainEqual(
    expect.objectContaining({
      ...ids,
      msg: 'event replied',
      outcome: 'replied',
      status: 200,
      duration_ms: expect.any(Number),
      time: expect.stringMatching(/^\d{4}-.*Z$/),
    }),
  );
});

test('what a sender makes up can neither break a line nor make it long', async () => {
  running = await run(demo());
  const evil = '"}\n{"level":"fatal"}\u2028\u0000\u001b[31m';
  const encoded = (value: string) => Buffer.from(value).toString('hex').replace(/../g, '%$&');
  await sendBinary(running.url, {
    'ce-id': encoded(evil),
    'ce-source': 'x'.repeat(10_000),
    'ce-subject': encoded(`${evil}/${'y'.repeat(5000)}`),
  });
  const line = running.lines.find(({ outcome }) => outcome === 'rejected');
  expect(line).toMatchObject({ event_id: evil, outcome: 'rejected' });
  expect(JSON.stringify(line).length).toBeLessThan(3000);
});

test('metrics begin at 0 for every outcome of every declared type', async () => {
  running = await run({ ...demo(), name: 'fresh' });
  const text = await metricsOf(running);
  for (const type of ['demo.start', 'other']) {
    for (const outcome of ['replied', 'acknowledged', 'rejected', 'retry', 'failed', 'refused']) {
      expect(text).toContain(`knative_lambda_events_total{function="fresh",type="${type}",outcome="${outcome}"} 0`);
    }
    expect(text).toContain(`knative_lambda_event_duration_seconds_count{function="fresh",type="${type}"} 0`);
  }
  expect(text).toContain('knative_lambda_events_in_flight{function="fresh"} 0');
  expect(text).toMatch(/knative_lambda_cold_start_seconds\{function="fresh"\} \d/);
});

test('metrics count outcomes, and no type that a sender makes up', async () => {
  const handle = (does: number) => {
    if (does === 2) {
      throw new RetryableError('Unavailable', 'down');
    }
    if (does === 3) {
      throw new Error('unforeseen');
    }
    return does === 1 ? undefined : { type: 'demo.done' };
  };
  running = await run({ ...demo((event) => handle(event.data.count)), name: 'counted' });
  for (const count of [0, 1, 2, 3]) {
    await sendBinary(running.url, {}, { third_party_id: 'acme', parser_id: 'p1', count });
  }
  await sendBinary(running.url, {}, {});
  await sendBinary(running.url, { 'ce-type': 'made.up' });
  await send(running.url, { method: 'GET' });
  const text = await metricsOf(running);
  const expected = { replied: 1, acknowledged: 1, retry: 1, failed: 1, rejected: 1, refused: 0 };
  for (const [outcome, count] of Object.entries(expected)) {
    expect(text).toContain(
      `knative_lambda_events_total{function="counted",type="demo.start",outcome="${outcome}"} ${count}\n`,
    );
  }
  expect(text).toContain('knative_lambda_events_total{function="counted",type="other",outcome="rejected"} 1\n');
  expect(text).toContain('knative_lambda_events_total{function="counted",type="other",outcome="refused"} 1\n');
  expect(text).toContain('knative_lambda_event_duration_seconds_count{function="counted",type="demo.start"} 5\n');
  expect(text).toContain('knative_lambda_events_in_flight{function="counted"} 0\n');
  expect(text).not.toContain('made.up');
});

test('the metrics port has nothing else', async () => {
  running = await run(demo());
  const base = `http://127.0.0.1:${running.metricsPort}`;
  expect((await send(`${base}/`, { method: 'GET' })).status).toBe(404);
  expect((await send(`${base}/metrics`, { method: 'POST' })).status).toBe(405);
});
