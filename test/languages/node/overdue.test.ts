/** A call that does not end in its time: its process is replaced, and every other call is answered. */
import { afterAll, expect, test } from 'vitest';
import { buildImage, type Image } from '#test/languages/conformance/image.ts';
import { type RunningFunction, runFunction } from '#test/languages/conformance/run-function.ts';

const SECONDS = 1;
const HANDLER = `
const { execSync } = require('node:child_process');
exports.handler = async ({ data }) => {
  if (data.after) await new Promise((resolve) => setTimeout(resolve, data.after));
  switch (data.do) {
    case 'loop': for (;;);
    case 'loop of promises': for (;;) await null;
    case 'loop of timers': for (;;) await new Promise((resolve) => setTimeout(resolve));
    case 'backtrack': return /^(a+)+$/.test('a'.repeat(64) + 'b');
    case 'catch all': for (;;) { try { for (;;); } finally { for (;;); } }
    case 'wait for a program': return String(execSync('sleep 60'));
    case 'wait for ever': await new Promise(() => {});
  }
  return process.uptime();
};`;

let image: Image;
const running: RunningFunction[] = [];
afterAll(() => {
  for (const { kill } of running) {
    kill();
  }
  image?.remove();
});

async function start(): Promise<RunningFunction> {
  image ??= await buildImage({ 'index.js': HANDLER });
  const started = await runFunction(image, { FUNCTION_TIMEOUT_SECONDS: String(SECONDS) });
  running.push(started);
  return started;
}

/** As the platform does with a call that has lost its connection. */
async function answered({ send }: RunningFunction, data: object, seconds: number): Promise<unknown> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await (await send({ data })).json();
    } catch (error) {
      if (performance.now() > until) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test.each(['loop', 'loop of promises', 'backtrack', 'catch all', 'wait for a program'])(
  'that blocks the process (%s): another thread replaces it',
  async (kind) => {
    const one = await start();
    const { pid } = one.process;
    const lost = one.send({ data: { do: kind } }).catch(() => 'lost');
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(await answered(one, {}, 30)).toMatchObject({ succeeded: true, result: expect.any(Number) });

    expect(await lost).toBe('lost');
    expect(one.process.exitCode).toBeNull();
    expect(one.process.pid).toBe(pid);
    expect(one.errors()).toContain('the process is replaced');
  },
);

test.each(['wait for ever', 'loop of timers'])('that lets others work (%s): they are answered first', async (kind) => {
  const one = await start();
  const lost = one.send({ data: { do: kind } }).catch(() => 'lost');
  await new Promise((resolve) => setTimeout(resolve, 600));

  const other = await one.send({ data: { after: 900 } });

  expect(await other.json()).toMatchObject({ succeeded: true });
  expect(await lost).toBe('lost');
  expect(one.errors()).toContain('the process is replaced');
  expect(await answered(one, {}, 30)).toMatchObject({ succeeded: true });
});

test('not one that is slow for a moment, but in its time', async () => {
  const one = await start();
  await Promise.all([1, 2, 3].map((after) => one.send({ data: { after: after * 200 } })));
  await new Promise((resolve) => setTimeout(resolve, (SECONDS + 2) * 1000));
  expect(one.errors()).toBe('');
});
