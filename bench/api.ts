/**
 * The gateway awake, as a process of its own: how many lists of functions it answers in a second, of a thousand
 * functions, and the memory that open streams take. Kubernetes and S3 are stubs in this process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle } from '#bundle/main.ts';
import { CONFIGURATION, NODE_OPTIONS } from './configuration.ts';
import { writeKubeconfig } from './door.ts';
import { deployedFunction, manyIdentities } from './many-functions.ts';
import { median, percentile, type Row } from './row.ts';
import { cpuMilliseconds, residentMegabytes, whileRunning } from './start-process.ts';

/** What V8 takes at most in a container of 256 MiB. On this machine it would take more. */
const IN_POD = '--max-old-space-size=128';
const FUNCTIONS = 1000;
const TENANTS = 50;
const PER_SECOND = Number(process.env['API_PER_SECOND'] ?? 500);
const WARM_UP_MS = 3000;
const MEASURED_MS = 10_000;
const STREAMS = 200;
/** Lines that each followed log writes in a second. */
const LINES_PER_SECOND = 2;
const STREAMS_MS = 15_000;

export async function api(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'api-'));
  const [kubernetes, s3] = await Promise.all([listening(kubernetesAnswer()), listening(emptyList)]);
  try {
    const dist = join(directory, 'dist');
    await bundle(dist);
    const env = {
      ...CONFIGURATION,
      NODE_OPTIONS: process.env['API_NODE_OPTIONS'] ?? `${NODE_OPTIONS} ${IN_POD}`,
      FUNCTION: 'gateway',
      S3_ENDPOINT: s3.url,
      SOURCE_BUCKET: 'sources',
      TEMPORARY_BUCKET: 'temporary',
      KUBECONFIG: writeKubeconfig(directory, kubernetes.url),
    };
    const gateway = { args: [join(dist, 'main.js')], cwd: dist, env };
    const apiAt = (port: number) => `http://127.0.0.1:${port}/api/v1`;
    return [
      ...(await whileRunning(gateway, async ({ pid, port }) => lists(pid, `${apiAt(port)}/functions`))),
      ...(await whileRunning(gateway, async ({ pid, port }) => streams(pid, apiAt(port)))),
    ];
  } finally {
    for (const { server } of [kubernetes, s3]) {
      server.close();
      server.closeAllConnections();
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

async function lists(pid: number, url: string): Promise<Row[]> {
  await askForAWhile(url, WARM_UP_MS);
  const before = cpuMilliseconds(pid);
  const times = await askForAWhile(url, MEASURED_MS);
  const cpu = (cpuMilliseconds(pid) - before) / times.length;
  const name = `GET functions, of ${FUNCTIONS}, ${PER_SECOND} a second`;
  return [
    { name, value: median(times), unit: 'ms', p95: percentile(times, 0.95), aim: 'p95 ≤ 50 ms' },
    { name: `${name}, CPU of one`, value: cpu, unit: 'ms', aim: `< ${1000 / PER_SECOND} ms` },
  ];
}

/** At a fixed rate, however long the answers take: a time begins when its request was due. In milliseconds. */
async function askForAWhile(url: string, milliseconds: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const pending: Promise<void>[] = [];
  const began = performance.now();
  for (let n = 0; (n * 1000) / PER_SECOND < milliseconds; n += 1) {
    const due = began + (n * 1000) / PER_SECOND;
    if (due > performance.now() + 1) {
      await sleep(due - performance.now());
    }
    pending.push(ask(url, agent).then(() => void times.push(performance.now() - due)));
  }
  await Promise.all(pending);
  agent.destroy();
  return times;
}

function ask(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) {
        reject(new Error(`${url} answered ${response.statusCode}`));
      }
      response.resume().on('end', resolve).on('error', reject);
    }).on('error', reject);
  });
}

/** Half of them follow what happens, half the log of a function. */
async function streams(pid: number, url: string): Promise<Row[]> {
  const agent = new Agent({ maxSockets: STREAMS });
  const ids = manyIdentities(FUNCTIONS, TENANTS);
  let bytes = 0;
  const open = Array.from({ length: STREAMS }, (_, n) => {
    const { third_party_id, parser_id } = ids[n] ?? { third_party_id: '', parser_id: '' };
    const path = n % 2 === 0 ? '/events' : `/functions/${third_party_id}/${parser_id}/logs?follow=1`;
    return get(`${url}${path}`, { agent, headers: { accept: 'text/event-stream' } }, (response) => {
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('error', () => {});
    }).on('error', () => {});
  });
  const before = cpuMilliseconds(pid);
  const resident: number[] = [];
  for (const end = performance.now() + STREAMS_MS; performance.now() < end; ) {
    await sleep(500);
    resident.push(residentMegabytes(pid));
  }
  const cpu = (cpuMilliseconds(pid) - before) / STREAMS_MS;
  for (const one of open) {
    one.destroy();
  }
  agent.destroy();
  const name = `${STREAMS} open streams`;
  return [
    { name: `${name}, resident at most`, value: Math.max(...resident), unit: 'MB', aim: '≤ 134 MB (128 MiB)' },
    { name: `${name}, of a core`, value: cpu * 100, unit: '%' },
    { name: `${name}, told in a second`, value: bytes / STREAMS_MS, unit: 'KB' },
  ];
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function listening(answer: Answer): Promise<{ url: string; server: Server }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A thousand functions that are ready, and a pod for each whose log is asked for. */
function kubernetesAnswer(): Answer {
  const services = manyIdentities(FUNCTIONS, TENANTS).map((identity) => {
    const service = deployedFunction(identity, CONFIGURATION.NAMESPACE);
    const { name } = service.metadata;
    const url = `http://${name}.functions.svc.cluster.local`;
    const metadata = { ...service.metadata, uid: name, resourceVersion: '1', generation: 1, creationTimestamp: BEFORE };
    const conditions = ['ConfigurationsReady', 'Ready', 'RoutesReady'].map((type) => ({ type, status: 'True' }));
    const latestReadyRevisionName = `${name}-00001`;
    const status = { observedGeneration: 1, latestReadyRevisionName, url, address: { url }, conditions };
    return JSON.stringify({ ...service, metadata, status });
  });
  const names = manyIdentities(STREAMS, TENANTS).map((identity) => deployedFunction(identity, '').metadata.name);
  const pods = names.map(pod);
  /** As the API server gives it: in pages. */
  const page = ({ limit, from }: { limit: number; from: number }) => {
    const rest = from + limit < services.length ? { continue: String(from + limit) } : {};
    const items = services.slice(from, from + limit).join(',');
    return `{"apiVersion":"serving.knative.dev/v1","kind":"ServiceList","metadata":${JSON.stringify(rest)},"items":[${items}]}`;
  };
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kubernetes');
    if (pathname.endsWith('/log')) {
      const timer = setInterval(() => {
        response.write(`${new Date().toISOString()} {"level":"info","msg":"a line as long as lines are most often"}\n`);
      }, 1000 / LINES_PER_SECOND);
      response.on('close', () => clearInterval(timer));
      response.writeHead(200).flushHeaders();
      return;
    }
    const name = pathname.split('/services/')[1];
    const one = name === undefined ? undefined : services.find((service) => service.includes(`"name":"${name}"`));
    const selector = searchParams.get('labelSelector') ?? '';
    const podOf = /serving\.knative\.dev\/service=(.+)/.exec(selector)?.[1];
    const items = podOf === undefined ? pods : [pod(podOf)];
    const body =
      one ??
      (pathname.endsWith('/services')
        ? page({
            limit: Number(searchParams.get('limit') ?? FUNCTIONS),
            from: Number(searchParams.get('continue') ?? 0),
          })
        : JSON.stringify({ metadata: {}, items }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  };
}

const BEFORE = '2026-01-01T00:00:00Z';

function pod(service: string): object {
  return {
    metadata: {
      name: `${service}-pod`,
      namespace: CONFIGURATION.NAMESPACE,
      uid: service,
      labels: { 'serving.knative.dev/service': service },
    },
    spec: { containers: [{ name: 'user-container', image: 'i' }] },
    status: {
      containerStatuses: [{ name: 'user-container', restartCount: 0, state: { running: { startedAt: BEFORE } } }],
    },
  };
}

/** Of an S3 in which nothing is. */
const emptyList: Answer = (_, response) => {
  const body = '<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>';
  response.writeHead(200, { 'content-type': 'application/xml' }).end(body);
};
