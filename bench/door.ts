/**
 * What the door adds to a call: parser-events, bundled, as a process of its own, before a function that does nothing.
 * Baselines of the same run: that function posted to directly, an empty function of the door's own runtime, and a proxy
 * that does nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleProgram } from '#bundle/main.ts';
import { DELIVERY_ANNOTATION } from '#shared/specs/delivery.ts';
import { CONFIGURATION, NODE_OPTIONS } from './configuration.ts';
import { type Posted, postForAWhile } from './post-for-a-while.ts';
import { median, type Row } from './row.ts';
import { cpuMilliseconds, residentMegabytes, type Started, whileRunning } from './start-process.ts';

const WARM_UP_MS = 3000;
/** Many short ones in turns: load that comes and goes falls on all of them. */
const SLICES = 12;
const SLICE_MS = 500;
const AT_ONCE = [1, 100];
const EMPTY = 'an empty faas-js-runtime function';

const ACCEPTED = /^HTTP\/1\.1 202 /;
const ANSWERED = /^HTTP\/1\.1 200 /;
const COMPLETE = /^HTTP\/1\.1 200 [\s\S]*ce-type: parser\.complete\r\n/;

export async function door(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'door-'));
  const root = fileURLToPath(new URL('..', import.meta.url));
  const stub = { args: ['bench/stub-function.ts'], cwd: root, env: {} };
  try {
    const dist = join(directory, 'dist');
    await bundle(dist);
    const emptyFile = join(directory, 'empty.mjs');
    await bundleProgram('bench/empty-function.ts', emptyFile, { plugins: [] });
    const empty = { args: [emptyFile], cwd: directory, env: { NODE_OPTIONS } };
    return await whileRunning(stub, async ({ port }) => {
      const target = urlOf(port);
      const kubernetes = await stubKubernetes(target);
      const { port: apiPort } = kubernetes.address() as AddressInfo;
      const env = {
        ...CONFIGURATION,
        NODE_OPTIONS: process.env['DOOR_NODE_OPTIONS'] ?? NODE_OPTIONS,
        FUNCTION: 'parser-events',
        KUBECONFIG: writeKubeconfig(directory, `http://127.0.0.1:${apiPort}`),
        // One tenant makes all calls.
        CALL_PLACES_PER_TENANT: '1000',
      };
      const proxy = { args: ['bench/bare-proxy.ts'], cwd: root, env: { TARGET: target } };
      const ours = { args: [join(dist, 'main.js')], cwd: dist, env };
      try {
        return await whileRunning(empty, (idle) =>
          whileRunning(proxy, (passing) =>
            whileRunning(ours, (running) =>
              measure({ door: processOf(running), empty: processOf(idle), proxy: processOf(passing), target }),
            ),
          ),
        );
      } finally {
        kubernetes.close();
        kubernetes.closeAllConnections();
      }
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const urlOf = (port: number) => `http://127.0.0.1:${port}`;

interface Process {
  pid: number;
  url: string;
}

const processOf = ({ pid, port }: Started): Process => ({ pid, url: urlOf(port) });

interface Measured {
  door: Process;
  empty: Process;
  proxy: Process;
  target: string;
}

async function measure({ door, empty, proxy, target }: Measured): Promise<Row[]> {
  await postForAWhile(target, 100, WARM_UP_MS, ANSWERED);
  await postForAWhile(empty.url, 100, WARM_UP_MS, ACCEPTED);
  await postForAWhile(proxy.url, 100, WARM_UP_MS, ANSWERED);
  await postForAWhile(door.url, 100, WARM_UP_MS, COMPLETE);
  const rows: Row[] = [];
  for (const atOnce of AT_ONCE) {
    const direct: Posted[] = [];
    const nothing: Slice[] = [];
    const passed: Slice[] = [];
    const called: Slice[] = [];
    for (let slice = 0; slice < SLICES; slice += 1) {
      direct.push(await postForAWhile(target, atOnce, SLICE_MS, ANSWERED));
      nothing.push(await withCpu(empty.pid, () => postForAWhile(empty.url, atOnce, SLICE_MS, ACCEPTED)));
      passed.push(await withCpu(proxy.pid, () => postForAWhile(proxy.url, atOnce, SLICE_MS, ANSWERED)));
      called.push(await withCpu(door.pid, () => postForAWhile(door.url, atOnce, SLICE_MS, COMPLETE)));
    }
    rows.push(...rowsOf(atOnce, { called, direct, nothing, passed }));
  }
  return [...rows, { name: 'door, resident after that', value: residentMegabytes(door.pid), unit: 'MB' }];
}

interface Slice extends Posted {
  /** Of its process. */
  cpu: number;
}

async function withCpu(pid: number, work: () => Promise<Posted>): Promise<Slice> {
  const before = cpuMilliseconds(pid);
  const posted = await work();
  return { ...posted, cpu: cpuMilliseconds(pid) - before };
}

function rowsOf(
  atOnce: number,
  { called, direct, nothing, passed }: { called: Slice[]; direct: Posted[]; nothing: Slice[]; passed: Slice[] },
): Row[] {
  const name = `door, ${atOnce} at once`;
  const middle = (slices: Posted[], figure: keyof Posted) => median(slices.map((slice) => slice[figure]));
  /** Of each slice against that beside it. */
  const against = (slices: Posted[], figure: keyof Posted, of: Posted[] = called) =>
    median(of.map((slice, index) => slice[figure] / (slices[index]?.[figure] ?? Number.NaN)));
  const cpuOf = (slices: Slice[]) =>
    slices.reduce((sum, { cpu }) => sum + cpu, 0) / slices.reduce((sum, { calls }) => sum + calls, 0);
  const directly = { baseline: 'posted directly' };
  return [
    {
      name,
      value: middle(called, 'perSecond'),
      unit: 'calls/s',
      baseline: EMPTY,
      ratio: against(nothing, 'perSecond'),
      ...(atOnce > 1 ? { aim: '≥ 0.8' } : {}),
    },
    { name, value: middle(called, 'perSecond'), unit: 'calls/s', ...directly, ratio: against(direct, 'perSecond') },
    {
      name: `${name}, median`,
      value: middle(called, 'median'),
      unit: 'ms',
      ...directly,
      ratio: against(direct, 'median'),
    },
    {
      name: `${name}, CPU of a call`,
      value: cpuOf(called),
      unit: 'ms',
      baseline: EMPTY,
      ratio: cpuOf(called) / cpuOf(nothing),
    },
    {
      name: `  a proxy that does nothing, ${atOnce} at once`,
      value: middle(passed, 'perSecond'),
      unit: 'calls/s',
      baseline: EMPTY,
      ratio: against(nothing, 'perSecond', passed),
    },
    {
      name: `  a proxy that does nothing, ${atOnce} at once, CPU of a call`,
      value: cpuOf(passed),
      unit: 'ms',
      baseline: EMPTY,
      ratio: cpuOf(passed) / cpuOf(nothing),
    },
  ];
}

/** Answers every request with the one Service. */
async function stubKubernetes(target: string): Promise<Server> {
  const server = createServer((_, response) => {
    const service = {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: {
        name: 'p1',
        annotations: {
          'knative-lambda/third-party-id': 'bench',
          'knative-lambda/parser-id': 'p1',
          [DELIVERY_ANNOTATION]: 'shared',
        },
      },
      spec: { template: { spec: { timeoutSeconds: 30 } } },
      status: { latestReadyRevisionName: 'p1-00001', address: { url: target } },
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(service));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export function writeKubeconfig(directory: string, server: string): string {
  const file = join(directory, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    // The client refuses HTTP otherwise.
    clusters: [{ name: 'stub', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'stub', user: {} }],
    contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'stub' } }],
    'current-context': 'stub',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}
