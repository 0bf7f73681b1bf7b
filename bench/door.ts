/**
 * What the door adds to a call: parser-events, bundled, as a process of its own, before a function that does nothing.
 * Baselines of the same run: that function posted to directly, and an empty function of the door's own runtime.
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
import type { Row } from './row.ts';
import { cpuMilliseconds, residentMegabytes, whileRunning } from './start-process.ts';

const WARM_UP_MS = 3000;
const MEASURED_MS = 5000;
const AT_ONCE = [1, 100];

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
      try {
        return await whileRunning(empty, (idle) =>
          whileRunning({ args: [join(dist, 'main.js')], cwd: dist, env }, ({ pid, port }) =>
            measure(pid, { url: urlOf(port), target, empty: urlOf(idle.port) }),
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

/** `pid`, `url`: of the door. */
async function measure(
  pid: number,
  { url, target, empty }: { url: string; target: string; empty: string },
): Promise<Row[]> {
  await postForAWhile(target, 100, WARM_UP_MS, ANSWERED);
  await postForAWhile(empty, 100, WARM_UP_MS, ACCEPTED);
  await postForAWhile(url, 100, WARM_UP_MS, COMPLETE);
  const rows: Row[] = [];
  for (const atOnce of AT_ONCE) {
    const direct = await postForAWhile(target, atOnce, MEASURED_MS, ANSWERED);
    const nothing = await postForAWhile(empty, atOnce, MEASURED_MS, ACCEPTED);
    const before = cpuMilliseconds(pid);
    const called = await postForAWhile(url, atOnce, MEASURED_MS, COMPLETE);
    rows.push(...rowsOf(atOnce, { called, direct, nothing }, (cpuMilliseconds(pid) - before) / called.calls));
  }
  return [...rows, { name: 'door, resident after that', value: residentMegabytes(pid), unit: 'MB' }];
}

function rowsOf(
  atOnce: number,
  { called, direct, nothing }: Record<'called' | 'direct' | 'nothing', Posted>,
  cpu: number,
): Row[] {
  const name = `door, ${atOnce} at once`;
  const baseline = 'posted directly';
  return [
    {
      name,
      value: called.perSecond,
      unit: 'calls/s',
      baseline: 'an empty faas-js-runtime function',
      ratio: called.perSecond / nothing.perSecond,
      ...(atOnce > 1 ? { aim: '≥ 0.8' } : {}),
    },
    { name, value: called.perSecond, unit: 'calls/s', baseline, ratio: called.perSecond / direct.perSecond },
    { name: `${name}, median`, value: called.median, unit: 'ms', baseline, ratio: called.median / direct.median },
    { name: `${name}, CPU of a call`, value: cpu, unit: 'ms' },
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
