/** The API as @kubernetes/client-node uses it: typed, custom and generic clients, watches. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ApiException,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  setHeaderOptions,
  type V1Job,
  Watch,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeKubeconfig } from '#local/kubernetes/write-kubeconfig.ts';
import { SERVICES, type Server, startServer } from './api-server.ts';
import { configMap, job, NAMESPACE, pod, service } from './objects.ts';

let server: Server;
let directory: string;
let config: KubeConfig;
beforeEach(async () => {
  server = await startServer();
  directory = await mkdtemp(join(tmpdir(), 'kubernetes-'));
  const path = join(directory, 'new', 'kubeconfig');
  await writeKubeconfig(path, server.url, NAMESPACE);
  config = new KubeConfig();
  config.loadFromFile(path);
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const namespaced = { namespace: NAMESPACE };
const knative = { group: 'serving.knative.dev', version: 'v1', plural: 'services', ...namespaced };
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const apply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);

test('the kubeconfig names the namespace', () => {
  expect(config.getContextObject(config.getCurrentContext())?.namespace).toBe(NAMESPACE);
});

describe('typed', () => {
  test('Jobs: create, read, list, patch, apply, delete', async () => {
    const batch = config.makeApiClient(BatchV1Api);
    const body = job('a', {}, {}, { labels: { app: 'x' }, finalizers: ['test/hold'] }) as unknown as V1Job;
    const created = await batch.createNamespacedJob({ ...namespaced, body });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect((await batch.listNamespacedJob({ ...namespaced, labelSelector: 'app=x' })).items).toHaveLength(1);
    const patched = await batch.patchNamespacedJob(
      {
        ...namespaced,
        name: 'a',
        body: { metadata: { annotations: { ended: 'yes' }, resourceVersion: created.metadata?.resourceVersion } },
      },
      merge,
    );
    expect(patched.metadata?.annotations).toEqual({ ended: 'yes' });
    const applied = await batch.patchNamespacedJob(
      {
        ...namespaced,
        name: 'a',
        fieldManager: 'me',
        force: true,
        body: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a', labels: { more: 'y' } } },
      },
      apply,
    );
    expect(applied.metadata?.labels).toEqual({ app: 'x', more: 'y' });
    await batch.deleteNamespacedJob({
      ...namespaced,
      name: 'a',
      propagationPolicy: 'Foreground',
      body: { preconditions: { uid: created.metadata?.uid ?? '' } },
    });
    const going = await batch.readNamespacedJob({ ...namespaced, name: 'a' });
    expect(going.metadata?.deletionTimestamp).toBeInstanceOf(Date);
    await batch.patchNamespacedJob({ ...namespaced, name: 'a', body: { metadata: { finalizers: null } } }, merge);
    await expect(batch.readNamespacedJob({ ...namespaced, name: 'a' })).rejects.toMatchObject({ code: 404 });
  });

  test('a replace of what it read, dates and all, changes nothing', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const created = await core.createNamespacedConfigMap({ ...namespaced, body: configMap('a', { x: '1' }) as never });
    const replaced = await core.replaceNamespacedConfigMap({ ...namespaced, name: 'a', body: created });
    expect(replaced.metadata?.resourceVersion).toBe(created.metadata?.resourceVersion);
  });

  test('errors carry the Status as their body', async () => {
    const batch = config.makeApiClient(BatchV1Api);
    const body = job('a') as unknown as V1Job;
    await batch.createNamespacedJob({ ...namespaced, body });
    const error = await batch.createNamespacedJob({ ...namespaced, body }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiException);
    expect((error as ApiException<string>).code).toBe(409);
    expect(JSON.parse((error as ApiException<string>).body)).toMatchObject({
      reason: 'AlreadyExists',
      details: { name: 'a', group: 'batch', kind: 'jobs' },
    });
  });

  test('pods: log, delete with grace', async () => {
    const core = config.makeApiClient(CoreV1Api);
    server.storage.create(pod('p', {}, { nodeName: 'node' }));
    server.logs.set('p/main', 'one\ntwo\n');
    expect(await core.readNamespacedPodLog({ ...namespaced, name: 'p', container: 'main', tailLines: 1 })).toBe(
      'two\n',
    );
    const deleted = await core.deleteNamespacedPod({ ...namespaced, name: 'p', gracePeriodSeconds: 1 });
    expect(deleted.metadata?.deletionGracePeriodSeconds).toBe(1);
  });
});

test('custom objects: apply, get, list, delete', async () => {
  const custom = config.makeApiClient(CustomObjectsApi);
  const body = service('fn');
  const parameters = { ...knative, name: 'fn', fieldManager: 'me', force: true };
  expect(await custom.patchNamespacedCustomObject({ ...parameters, body }, apply)).toMatchObject({
    metadata: { generation: 1 },
  });
  expect(
    await custom.patchNamespacedCustomObject({ ...parameters, body: service('fn', { timeoutSeconds: 9 }) }, apply),
  ).toMatchObject({ metadata: { generation: 2 } });
  expect(await custom.getNamespacedCustomObject({ ...knative, name: 'fn' })).toMatchObject({
    spec: { template: { spec: { timeoutSeconds: 9 } } },
  });
  expect(await custom.listNamespacedCustomObject(knative)).toMatchObject({ items: [{ metadata: { name: 'fn' } }] });
  expect(await custom.deleteNamespacedCustomObject({ ...knative, name: 'fn' })).toMatchObject({ status: 'Success' });
  await expect(custom.getNamespacedCustomObject({ ...knative, name: 'fn' })).rejects.toMatchObject({ code: 404 });
});

test('any object: create, read, list, patch, delete', async () => {
  const client = KubernetesObjectApi.makeApiClient(config);
  const spec = service('fn') as unknown as KubernetesObject & { metadata: { name: string; namespace: string } };
  await client.create(spec);
  expect(await client.read(spec)).toMatchObject({ metadata: { name: 'fn' } });
  expect((await client.list('serving.knative.dev/v1', 'Service', NAMESPACE)).items).toHaveLength(1);
  const changed = { ...spec, metadata: { ...spec.metadata, labels: { a: 'b' } } };
  expect(await client.patch(changed, undefined, undefined, 'me', true, PatchStrategy.ServerSideApply)).toMatchObject({
    metadata: { labels: { a: 'b' } },
  });
  await client.delete(spec);
  expect(server.storage.list('services.serving.knative.dev')).toEqual([]);
});

test('watch', async () => {
  const events: string[] = [];
  const { promise: three, resolve } = Promise.withResolvers<void>();
  const controller = await new Watch(config).watch(
    SERVICES,
    { labelSelector: 'app=x' },
    (phase, object: KubernetesObject) => {
      events.push(`${phase} ${object.metadata?.name}`);
      if (events.length === 3) {
        resolve();
      }
    },
    () => {},
  );
  const labelled = (app: string) => ({
    ...service('fn'),
    metadata: { name: 'fn', namespace: NAMESPACE, labels: { app } },
  });
  server.storage.create(labelled('x'));
  server.storage.updateStatus('services.serving.knative.dev', NAMESPACE, 'fn', { url: 'http://fn' });
  server.storage.update(labelled('y'));
  await three;
  controller.abort();
  expect(events).toEqual(['ADDED fn', 'MODIFIED fn', 'DELETED fn']);
});
