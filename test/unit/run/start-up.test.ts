import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { createStorage } from '#local/kubernetes/storage.ts';
import { writeKubeconfig } from '#local/kubernetes/write-kubeconfig.ts';
import { awaitReady } from '#local/run/await-ready.ts';
import { onPort } from '#local/run/former-ports.ts';
import { createTerminal } from '#local/run/terminal.ts';

const SERVICES = 'services.serving.knative.dev';

function storageWith(...names: string[]) {
  const storage = createStorage();
  storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } });
  for (const name of names) {
    storage.create({
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name, namespace: 'ns' },
      spec: { template: { spec: { containers: [{ image: 'x' }] } } },
    });
  }
  const set = (name: string, ...conditions: object[]) => storage.updateStatus(SERVICES, 'ns', name, { conditions });
  return { storage, set };
}

test('a taken port is named, with the variable that changes it', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const listen = async () => {
    const second = createServer().listen(port, '127.0.0.1');
    await once(second, 'listening');
  };

  await expect(onPort('S3_PORT', port, listen)).rejects.toThrow(new RegExp(`port ${port} .*taken.*S3_PORT=`));

  holder.close();
});

test('waits until all are Ready', async () => {
  const { storage, set } = storageWith('a', 'b');
  const ready: string[] = [];
  const waiting = awaitReady(storage, SERVICES, {
    namespace: 'ns',
    names: ['a', 'b', 'c'],
    seconds: 5,
    onReady: (name) => ready.push(name),
  });
  set('a', { type: 'Ready', status: 'True' });
  set('b', { type: 'Ready', status: 'Unknown' });
  set('b', { type: 'Ready', status: 'True' });

  await waiting;

  expect(ready).toEqual(['a', 'b']);
});

test('waits for no others, nor takes what was said of an older spec', async () => {
  const { storage, set } = storageWith('a', 'other');
  const options = { namespace: 'ns', names: ['a', 'not-there'], failFast: true };
  set('other', { type: 'Ready', status: 'False', message: 'is somebody else’s' });
  storage.updateStatus(SERVICES, 'ns', 'a', { observedGeneration: 0, conditions: [{ type: 'Ready', status: 'True' }] });

  await expect(awaitReady(storage, SERVICES, { ...options, seconds: 0.05 })).rejects.toThrow('a (no status yet)');
  storage.updateStatus(SERVICES, 'ns', 'a', { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] });

  await awaitReady(storage, SERVICES, { ...options, seconds: 5 });
});

test('one that fails ends the waiting, with the reason that helps', async () => {
  const { storage, set } = storageWith('a', 'b');
  const waiting = awaitReady(storage, SERVICES, {
    namespace: 'ns',
    names: ['a', 'b', 'c'],
    seconds: 5,
    failFast: true,
  });
  set(
    'b',
    { type: 'Ready', status: 'False', message: 'does not have any ready Revision' },
    { type: 'ConfigurationsReady', status: 'False', message: 'Cannot find module x' },
  );

  await expect(waiting).rejects.toThrow('b is not ready: Cannot find module x');
});

test('when the time is over, says which are not ready and what they say', async () => {
  const { storage, set } = storageWith('a', 'b', 'c');
  set('a', { type: 'Ready', status: 'True' });
  set('b', { type: 'Ready', status: 'Unknown', reason: 'RevisionMissing' });

  await expect(
    awaitReady(storage, SERVICES, { namespace: 'ns', names: ['a', 'b', 'c'], seconds: 0.05 }),
  ).rejects.toThrow('not ready within 0.05 s: b (RevisionMissing), c (no status yet)');
});

test('the official client can use the kubeconfig, which is plain HTTP', async () => {
  const server = createHttpServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ apiVersion: 'v1', kind: 'NamespaceList', metadata: {}, items: [] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  const file = join(directory, 'kubeconfig');
  await writeKubeconfig(file, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'functions');
  const config = new KubeConfig();
  config.loadFromFile(file);

  const { items } = await config.makeApiClient(CoreV1Api).listNamespace();

  expect(items).toEqual([]);
  expect(config.getContextObject(config.getCurrentContext())?.namespace).toBe('functions');
  server.close();
  server.closeAllConnections();
  await rm(directory, { recursive: true });
});

test.each([
  { case: 'a terminal', isTTY: true, environment: {}, coloured: true },
  { case: 'a file', isTTY: undefined, environment: {}, coloured: false },
  { case: 'a terminal with NO_COLOR', isTTY: true, environment: { NO_COLOR: '1' }, coloured: false },
])('$case gets colours: $coloured', ({ isTTY, environment, coloured }) => {
  const stream = { isTTY, write: () => true } as unknown as NodeJS.WritableStream;
  const text = createTerminal(stream, environment).paint('red', 'x');
  expect(text).toBe(coloured ? '\u001b[31mx\u001b[39m' : 'x');
});
