/** The bundle as it runs in a pod: a folder without node_modules. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CONFIGURATION } from '#bench/configuration.ts';
import { bundle } from '#bundle/main.ts';
import { metricsOf } from '#docs/metrics-table.ts';
import { type FunctionProcess, listening, spawnFunction } from '#test/unit/runtime/process.ts';
import { send, sendBinary } from '#test/unit/runtime/send.ts';

let directory: string;
let main: string;
const processes: Pick<FunctionProcess, 'child' | 'ended'>[] = [];

const functions = readdirSync(new URL('../../../functions/', import.meta.url)).sort();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bundle-test-'));
  main = join(directory, 'dist', 'main.js');
  await bundle(join(directory, 'dist'));
});
afterAll(async () => {
  for (const { child, ended } of processes) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

async function start(environment: Record<string, string>): Promise<FunctionProcess> {
  const started = spawnFunction([main], { ...CONFIGURATION, ...environment });
  processes.push(started);
  return await listening(started);
}

async function metricsAt({ metricsUrl }: FunctionProcess): Promise<string[]> {
  const { text } = await send(metricsUrl, { method: 'GET' });
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name).toSorted();
}

test('gateway starts, is ready, tells a client what is wrong, and ends at SIGTERM', async () => {
  const running = await start({ FUNCTION: 'gateway' });
  expect((await send(`${running.url}health/readiness`, { method: 'GET' })).status).toBe(200);
  const answer = await sendBinary(running.url, { 'ce-type': 'job.start' });
  expect([answer.status, answer.json.reason]).toEqual([400, 'UnsupportedEvent']);
  expect((await send(running.metricsUrl, { method: 'GET' })).text).toContain('function="gateway"');
  running.child.kill('SIGTERM');
  expect(await running.ended).toBe(0);
});

describe.each(functions.filter((name) => name !== 'gateway'))('%s', (name) => {
  test('starts, is ready, replies in binary mode, and ends at SIGTERM', async () => {
    const running = await start({ FUNCTION: name });
    expect((await send(`${running.url}health/readiness`, { method: 'GET' })).status).toBe(200);
    // Above every function's limit (dead-letter's is 4 MiB), so each answers without its clients.
    const answer = await sendBinary(running.url, { 'ce-subject': 'acme/p1' }, Buffer.alloc(5 * 1024 * 1024, 0x20));
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'ce-id': expect.stringMatching(/^[0-9a-f]{32}$/),
      'ce-type': 'event.rejected',
      'ce-source': 'knative-lambda',
      'ce-specversion': '1.0',
      'ce-subject': 'acme/p1',
    });
    expect(answer.json.event).toMatchObject({ id: 'e1', source: 'test' });
    expect((await send(running.metricsUrl, { method: 'GET' })).text).toContain(`function="${name}"`);
    // Its clients, and their metrics, are made after the first answer.
    await vi.waitFor(async () => expect(await metricsAt(running)).toEqual(metricsOf(name).toSorted()), 20_000);
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
  });
});

describe('FUNCTION', () => {
  test.each([
    { case: 'missing', environment: {}, message: 'FUNCTION is not set' },
    { case: 'empty', environment: { FUNCTION: '' }, message: 'FUNCTION is not set' },
    { case: 'unknown', environment: { FUNCTION: 'nothing' }, message: 'no function "nothing"' },
    { case: 'a path', environment: { FUNCTION: '../main' }, message: 'no function "../main"' },
  ])('$case: says which there are, exit code 1', ({ environment, message }) => {
    const ended = spawnSync(process.execPath, [main], { env: environment, encoding: 'utf8' });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).toContain(functions.join(', '));
  });
});

test('--warm runs every function, fills the compile cache and ends', () => {
  const cache = join(directory, 'cache');
  const ended = spawnSync(process.execPath, [main, '--warm'], { env: { NODE_COMPILE_CACHE: cache }, encoding: 'utf8' });
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(10);
});

test('the same sources give the same bytes, which name no folder of this machine', async () => {
  const again = join(directory, 'again');
  await bundle(again);
  const [first, second] = [join(directory, 'dist'), again].map(contentsOf);
  expect(second).toEqual(first);
  for (const path of filesOf(again)) {
    const text = readFileSync(path, 'latin1');
    expect(text.includes(process.cwd()) || text.includes(directory), path).toBe(false);
  }
});

test('entries are small, and what is heavy is in chunks of its own', () => {
  const sizes = functions.map((name) => statSync(join(directory, 'dist', 'functions', `${name}.js`)).size);
  expect(Math.max(...sizes)).toBeLessThan(150_000);
});

test('the adapters for user code are there, the one for Node as one file', () => {
  const adapters = join(directory, 'dist', 'adapters');
  expect(readdirSync(join(adapters, 'node'))).toEqual(['adapter.mjs']);
  expect(readdirSync(join(adapters, 'python'))).toContain('adapter.py');
  expect(readdirSync(join(adapters, 'go')).length).toBeGreaterThan(0);
  expect(readFileSync(join(adapters, 'node', 'adapter.mjs'), 'utf8')).not.toMatch(/from ?["']\.\.?\//);
});

function filesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function contentsOf(root: string): Record<string, string> {
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return Object.fromEntries(filesOf(root).map((path) => [path.slice(root.length), hash(path)]));
}
