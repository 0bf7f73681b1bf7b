/** Start, drain, crash: with real processes and real signals. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type FunctionProcess, logged, spawnDemo, startDemo } from './process.ts';
import { send, sendBinary } from './send.ts';

let running: Pick<FunctionProcess, 'child' | 'ended'> | undefined;
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
});

const event = (does: string, milliseconds = 0) => ({ third_party_id: 'acme', parser_id: 'p1', does, milliseconds });

describe('at SIGTERM', () => {
  test('what is in flight is answered, readiness is 503 meanwhile, and the exit code is 0', async () => {
    const demo = await startDemo();
    running = demo;
    expect((await send(`${demo.url}health/readiness`, { method: 'GET' })).status).toBe(200);
    const answer = sendBinary(demo.url, {}, event('reply', 3000));
    await inFlight(demo, 1);

    demo.child.kill('SIGTERM');
    await logged(demo.lines, 'draining');
    const readiness = await send(`${demo.url}health/readiness`, { method: 'GET' });
    const liveness = await send(`${demo.url}health/liveness`, { method: 'GET' });

    expect(readiness).toMatchObject({ status: 503, headers: { connection: 'close' } });
    expect(liveness.status).toBe(200);
    expect((await answer).headers['ce-type']).toBe('demo.done');
    expect(await demo.ended).toBe(0);
    // What was put off is done when nothing is in flight any more.
    const told = demo.lines.map(({ msg }) => msg);
    expect(told.indexOf('closed')).toBeGreaterThan(told.indexOf('greeting'));
    expect(demo.lines.at(-1)).toMatchObject({ msg: 'stopped' });
  });

  test('an idle function ends at once, also when a client keeps its connection', async () => {
    const demo = await startDemo();
    running = demo;
    await (await fetch(demo.url, { method: 'POST' })).text();
    const began = performance.now();
    demo.child.kill('SIGTERM');
    demo.child.kill('SIGTERM');
    expect(await demo.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('a crash', () => {
  test.each([
    { case: 'an exception that nobody caught', does: 'crash', message: 'nobody caught this' },
    { case: 'a rejection that nobody awaited', does: 'reject', message: 'nobody awaited this' },
  ])('$case: logged, exit code 1', async ({ does, message }) => {
    const demo = await startDemo();
    running = demo;
    await sendBinary(demo.url, {}, event(does)).catch(() => undefined);
    expect(await demo.ended).toBe(1);
    expect(demo.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'crashed',
      err: { message, stack: expect.any(String) },
    });
  });
});

describe('configuration', () => {
  test('that is wrong: every problem in one line, no values, exit code 1', async () => {
    const demo = spawnDemo({
      COUNT: 'secret',
      PORT: '99999',
      LOG_LEVEL: 'loud',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere',
    });
    running = demo;
    expect(await demo.ended).toBe(1);
    expect(demo.lines).toHaveLength(1);
    const problems = demo.lines[0]?.['problems'] as string[];
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'LOG_LEVEL',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'COUNT',
    ]);
    expect(JSON.stringify(demo.lines)).not.toContain('secret');
  });

  test('that is empty counts as not set', async () => {
    const demo = await startDemo({ GREETING: '', COUNT: '', LOG_LEVEL: '' });
    running = demo;
    expect((await sendBinary(demo.url, {}, event('reply'))).json).toEqual({ greeting: 'hello' });
  });

  test('LOG_LEVEL=silent is silent', async () => {
    const demo = spawnDemo({ LOG_LEVEL: 'silent', PORT: '70000' });
    running = demo;
    expect(await demo.ended).toBe(1);
  });
});

test('HOST says where a function and its metrics listen; anybody else finds nobody', async () => {
  const demo = await startDemo({ HOST: '127.0.0.1' });
  running = demo;
  const elsewhere = (url: string) => fetch(url.replace('127.0.0.1', '[::1]'));

  expect((await send(`${demo.url}health/readiness`, { method: 'GET' })).status).toBe(200);
  expect((await send(demo.metricsUrl, { method: 'GET' })).status).toBe(200);
  await expect(elsewhere(demo.url)).rejects.toThrow();
  await expect(elsewhere(demo.metricsUrl)).rejects.toThrow();
});

test('a metrics port that is taken costs the metrics only', async () => {
  const taken = createServer().listen(0);
  await new Promise((resolve) => taken.once('listening', resolve));
  const demo = await startDemo({ METRICS_PORT: String((taken.address() as { port: number }).port) });
  running = demo;
  expect((await sendBinary(demo.url, {}, event('nothing'))).status).toBe(202);
  expect(demo.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: expect.stringContaining('METRICS_PORT') }),
  );
  taken.close();
});

async function inFlight(demo: FunctionProcess, count: number): Promise<void> {
  for (;;) {
    const { text } = await send(demo.metricsUrl, { method: 'GET' });
    if (text.includes(`knative_lambda_events_in_flight{function="demo"} ${count}`)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
