/** Web pages of other places run on this machine too: no server of the platform answers them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startIngress } from '#local/broker/ingress.ts';
import { startKubernetesApi } from '#local/kubernetes/start-kubernetes-api.ts';
import { createStorage } from '#local/kubernetes/storage.ts';
import { startRegistry } from '#local/registry/start-registry.ts';
import { startS3 } from '#local/s3.ts';
import { startServing } from '#local/serving/start-serving.ts';
import { installGate } from '#shared/runtime/gate.ts';
import { serveMetrics } from '#shared/runtime/metrics-server.ts';
import { send } from '#test/unit/runtime/send.ts';

const EVENT = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' };
const urls: Record<string, string> = {};
const closing: (() => unknown)[] = [];
let published = 0;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'foreign-'));
  const storage = createStorage();
  const logs = { read: () => undefined } as never;
  const s3 = await startS3({ directory: join(directory, 's3'), buckets: ['source'] });
  const registry = await startRegistry({ directory });
  const broker = await startIngress(0, () => {
    published += 1;
    return true;
  });
  const api = await startKubernetesApi({ storage, logs, port: 0 });
  const serving = await startServing({ storage });
  const metrics = await serveMetrics(new Registry(), { host: '127.0.0.1', port: 0 });
  const door = createServer((_, response) => response.end('called')).listen(0, '127.0.0.1');
  await new Promise((resolve) => door.once('listening', resolve));
  installGate(door, { limit: 1000, draining: () => false, loopback: true });
  Object.assign(urls, {
    S3: s3.url,
    registry: `${registry.url}/v2/`,
    Broker: broker.url,
    API: api.url,
    gateway: serving.url,
    metrics: `http://127.0.0.1:${metrics.port}/metrics`,
    function: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
  });
  closing.push(s3.close, registry.close, broker.close, api.close, serving.close, metrics.close, () => door.close());
  closing.push(() => rmSync(directory, { recursive: true }));
});
afterAll(async () => {
  for (const close of closing) {
    await close();
  }
});

const SERVERS = ['S3', 'registry', 'Broker', 'API', 'gateway', 'metrics', 'function'];

describe.each(SERVERS)('%s', (name) => {
  test.each([
    { case: 'a name that was pointed at this machine', headers: { host: 'evil.example.com:8080' } },
    { case: 'a name that only begins like ours', headers: { host: 'localhost.example.com' } },
    { case: 'an address of the network', headers: { host: '192.168.1.2:9000' } },
    { case: 'a page of another place', headers: { origin: 'https://evil.example.com' } },
    { case: 'a page of no place', headers: { origin: 'null' } },
  ])('refuses $case', async ({ headers }) => {
    const before = published;
    const answer = await send(urls[name] ?? '', { headers: { ...EVENT, ...headers }, body: '{}' });

    expect(answer).toMatchObject({ status: 403, text: expect.stringMatching(/on localhost only|no web page/) });
    expect(published).toBe(before);
  });

  test.each([
    { case: 'a program', headers: {} },
    { case: 'a name of this machine', headers: { host: 'LOCALHOST:8080' } },
    { case: 'a page of this machine', headers: { origin: 'http://localhost:3000' } },
  ])('answers $case', async ({ headers }) => {
    const answer = await send(urls[name] ?? '', { headers: { ...EVENT, ...headers }, body: '{}' });

    expect(answer.status).not.toBe(403);
  });
});

test.each([
  { server: 'gateway', status: 404 },
  { server: 'function', status: 200 },
  { server: 'Broker', status: 403 },
  { server: 'S3', status: 403 },
])('the name of a Service leads to functions alone: $server → $status', async ({ server, status }) => {
  const headers = { ...EVENT, host: 'fn.ns.svc.cluster.local' };

  expect((await send(urls[server] ?? '', { headers, body: '{}' })).status).toBe(status);
});
