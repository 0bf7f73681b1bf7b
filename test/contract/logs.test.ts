/**
 * `kn-lambda logs -f` as a process, while the function sleeps and wakes, gets a new version, loses a pod, and while the
 * gateway itself goes: each line that a call has written comes once, and soon.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { LogLine } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { functionName } from '#shared/specs/names.ts';
import { bundledCommand } from '#test/unit/cli/kn-lambda/command.ts';
import { buildAgain } from './build-again.ts';
import { PATIENCE, until } from './until.ts';
import { World } from './world.ts';

const command = bundledCommand();
const { gatewayUrl, namespace, tokens } = inject('platform');

/** Each call writes three lines, the last one on the other output, and answers which they are. */
const writing = (version: number) => ({
  'parser.mjs': `import { randomUUID } from 'node:crypto';
export async function handler() {
  const lines = [0, 1, 2].map((n) => 'v${version}-' + randomUUID() + '-' + n);
  for (const [n, line] of lines.entries()) {
    (n === 2 ? console.error : console.log)('LINE ' + line + ' ' + Date.now());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return lines;
}
`,
});

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** The gateway by an address of its own: the command knows no Host header. */
async function gatewayAddress(): Promise<{ url: string; close: () => void }> {
  const proxy = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, host: `gateway.${namespace}.svc.cluster.local` };
    const passed = request(new URL(incoming.url ?? '/', gatewayUrl), { headers, method: incoming.method }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

interface Shown {
  line: string;
  /** From the function's clock to this process's, in milliseconds. */
  after: number;
}

function followed(identity: Identity, url: string): { shown: Shown[]; end: () => Promise<void>; said: () => string } {
  const shown: Shown[] = [];
  const environment = { KN_LAMBDA_SERVER: url, ...(tokens ? { KN_LAMBDA_TOKEN: tokens.operator } : {}) };
  const args = ['logs', '-f', subjectOf(identity), '--since', '1m', '-o', 'json'];
  const { child, ended, said } = command.start(args, { environment });
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (json) => {
    const { text } = JSON.parse(json) as LogLine;
    const [, line = '', time] = /^LINE (\S+) (\d+)$/.exec(text) ?? [];
    if (time !== undefined) {
      shown.push({ line, after: Date.now() - Number(time) });
    }
  });
  const end = async () => {
    child.kill('SIGINT');
    await ended;
  };
  return { shown, end, said };
}

test('no line is lost, and none comes twice', { timeout: 400_000 * PATIENCE }, async ({ onTestFinished }) => {
  const identity = world.parser('writes');
  const selector = `serving.knative.dev/service=${functionName(identity)}`;
  await world.upload(identity, writing(1));
  await buildAgain(world, identity);
  const gateway = await gatewayAddress();
  onTestFinished(gateway.close);
  const { shown, end } = followed(identity, gateway.url);
  onTestFinished(end);

  const asked: string[] = [];
  const call = async () => {
    const id = randomUUID();
    asked.push(id);
    await world.send({ type: 'parser.start', id, subject: subjectOf(identity), data: {} });
  };
  const calls = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await call();
      await sleep(50);
    }
  };
  const running = async () =>
    (await world.pods(selector)).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);

  await calls(20);
  await until('scale to zero', async () => (await world.pods(selector)).length === 0, 120);
  await calls(20);

  await world.upload(identity, writing(2));
  await Promise.all([buildAgain(world, identity), calls(60)]);
  await until('the new version to write', () => shown.some(({ line }) => line.startsWith('v2-')), 60);

  const busy = calls(60);
  const [victim] = await running();
  await world.remove('v1', 'Pod', victim?.metadata?.name ?? '');
  await busy;

  // The gateway that is killed has to start first: no bound is promised for that.
  const soon = shown.length;
  const through = calls(40);
  for (const pod of await world.pods('serving.knative.dev/service=gateway')) {
    await world.remove('v1', 'Pod', pod.metadata?.name ?? '');
  }
  await through;
  await calls(10);

  const answered = () =>
    world
      .of('parser.complete', identity)
      .filter(({ causationid, data }) => asked.includes(String(causationid)) && data.succeeded);
  await until('every call to be answered', () => new Set(answered().map(({ id }) => id)).size === asked.length, 120);
  const written = [...new Set(answered().flatMap(({ data }) => data.result as string[]))];
  await until(
    'every line',
    () => written.every((line) => shown.some((one) => one.line === line)),
    15,
    () => {
      const lost = written.filter((line) => !shown.some((one) => one.line === line));
      return `lost: ${lost.length} of ${written.length}: ${lost.slice(0, 5).join(', ')}`;
    },
  );
  const lines = shown.map(({ line }) => line);
  expect(lines.filter((line, index) => lines.indexOf(line) !== index)).toEqual([]);

  const times = shown
    .slice(0, soon)
    .map(({ after }) => after)
    .sort((a, b) => a - b);
  const p95 = times[Math.floor(times.length * 0.95)] ?? 0;
  console.log(
    `${shown.length} lines; the first ${soon} to the screen: p50 ${times[Math.floor(times.length / 2)]} ms, p95 ${p95} ms`,
  );
});
