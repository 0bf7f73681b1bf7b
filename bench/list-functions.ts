/**
 * The memory that sweep needs for its lists of all functions: by its real client, from a stub of the API server. It
 * makes two such lists in each run.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createCluster } from '#shared/clients/kubernetes.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { InMemoryCluster, SERVICES } from '#test/fakes/cluster.ts';
import { CONFIGURATION, NODE_OPTIONS } from './configuration.ts';
import { writeKubeconfig } from './door.ts';
import { deployedFunction, manyIdentities } from './many-functions.ts';
import type { Row } from './row.ts';

const COUNTS = [0, 1000, 5000, 10_000];

export async function listFunctions(): Promise<Row[]> {
  const rows: Row[] = [];
  const one = await storedFunction();
  rows.push({ name: 'a function in a list', value: one.length / 1000, unit: 'KB' });
  for (const count of COUNTS) {
    const value = await peakMegabytes(one, count);
    rows.push({ name: `sweep's lists of ${count} functions, at most`, value, unit: 'MB' });
  }
  return rows;
}

/** As the API server has it: with managedFields and status. */
async function storedFunction(): Promise<string> {
  const namespace = 'functions';
  const cluster = new InMemoryCluster();
  const [identity] = manyIdentities(1, 1);
  if (!identity) {
    throw new Error('there is no function');
  }
  const { metadata } = await cluster.applyService(deployedFunction(identity, namespace));
  const { name } = metadata;
  const url = `http://${name}.${namespace}.svc.cluster.local`;
  const since = { status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
  cluster.storage.updateStatus(SERVICES, namespace, name, {
    observedGeneration: 1,
    latestCreatedRevisionName: `${name}-00001`,
    latestReadyRevisionName: `${name}-00001`,
    url,
    address: { url },
    traffic: [{ latestRevision: true, percent: 100, revisionName: `${name}-00001` }],
    conditions: ['ConfigurationsReady', 'Ready', 'RoutesReady'].map((type) => ({ type, ...since })),
  });
  return JSON.stringify(cluster.services.get(name));
}

async function peakMegabytes(one: string, count: number): Promise<number> {
  const server = createServer((_, response) => {
    const items = Array.from({ length: count }, () => one).join(',');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`{"apiVersion":"serving.knative.dev/v1","kind":"ServiceList","metadata":{},"items":[${items}]}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory = mkdtempSync(join(tmpdir(), 'list-functions-'));
  try {
    const { port } = server.address() as AddressInfo;
    const KUBECONFIG = writeKubeconfig(directory, `http://127.0.0.1:${port}`);
    const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NODE_OPTIONS, KUBECONFIG };
    const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename], { env });
    return Number(stdout);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    server.close();
    server.closeAllConnections();
  }
}

if (import.meta.main) {
  const cluster = createCluster(CONFIGURATION);
  for (let list = 1; list <= 2; list += 1) {
    await cluster.listServices(FUNCTIONS);
  }
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  console.log((Number(kilobytes) * 1024) / 1e6);
  await cluster.close();
}
