/** Create, replace, status: what the server owns, and what it leaves alone. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '#local/kubernetes/storage.ts';
import {
  caught,
  configMap,
  createCluster,
  job,
  NAMESPACE,
  namespace,
  pod,
  record,
  service,
  settled,
} from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const stored = (name: string) => storage.get('configmaps', NAMESPACE, name);

describe('create', () => {
  test('fills in what belongs to the server, and drops what the client has no say in', () => {
    const created = storage.create({
      ...job('build', {}, {}, { uid: 'mine', resourceVersion: '99', deletionTimestamp: '2020-01-01T00:00:00Z' }),
      status: { succeeded: 1 },
    });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(created.metadata.generation).toBe(1);
    expect(created.metadata.deletionTimestamp).toBeUndefined();
    expect(created['status']).toBeUndefined();
    expect(storage.get('jobs.batch', NAMESPACE, 'build')).toEqual(created);
  });

  test('numbers every change of the whole store from one counter', () => {
    const versions = [
      storage.create(configMap('a')),
      storage.create(service('b')),
      storage.update(configMap('a', { x: '1' })),
    ].map(({ metadata }) => Number(metadata.resourceVersion));
    expect(versions).toEqual([versions[0], Number(versions[0]) + 1, Number(versions[0]) + 2]);
  });

  test('makes a name from generateName that fits a label', () => {
    const { metadata } = storage.create(configMap('', {}, { name: '', generateName: `${'x'.repeat(80)}-` }));
    expect(metadata.name).toMatch(/^x{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('the second of a name is AlreadyExists, and changes nothing', () => {
    const first = storage.create(configMap('a', { x: '1' }));
    expect(caught(() => storage.create(configMap('a', { x: '2' })))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
      details: { name: 'a', kind: 'configmaps' },
    });
    expect(stored('a')).toEqual(first);
  });

  test('needs its namespace, which must not be going away', () => {
    const elsewhere = configMap('a', {}, { namespace: 'nowhere' });
    expect(caught(() => storage.create(elsewhere))).toMatchObject({
      code: 404,
      message: 'namespaces "nowhere" not found',
    });
    storage.create(configMap('kept', {}, { finalizers: ['test/keep'] }));
    storage.remove('namespaces', undefined, NAMESPACE);
    expect(caught(() => storage.create(configMap('a')))).toMatchObject({
      code: 403,
      message: expect.stringContaining('is being terminated'),
    });
  });

  test.each([
    { apiVersion: 'v1', kind: 'Service', namespaced: true },
    { apiVersion: 'apps/v1', kind: 'Deployment', namespaced: true },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', namespaced: false },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', namespaced: false },
  ])('takes a $kind of $apiVersion, which an operator adds, as it is', ({ apiVersion, kind, namespaced }) => {
    const spec = { selector: { app: 'a' } };
    const created = storage.create({ apiVersion, kind, metadata: { name: 'a', namespace: NAMESPACE }, spec });
    expect(created['spec']).toEqual(spec);
    expect(created.metadata.namespace).toBe(namespaced ? NAMESPACE : undefined);
  });

  test('a Job gets its defaults, and labels by its own uid', () => {
    const { spec, metadata } = storage.create(job('build'));
    expect(spec).toMatchObject({ backoffLimit: 6, completions: 1, parallelism: 1, suspend: false });
    const labels = { 'batch.kubernetes.io/controller-uid': metadata.uid, 'batch.kubernetes.io/job-name': 'build' };
    expect(spec.template.metadata.labels).toMatchObject(labels);
    expect(spec.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } });
  });

  test('a Knative Service gets the defaults of Knative', () => {
    const containers = [{ image: 'example.com/app:1', name: 'user-container' }];
    expect(storage.create(service('fn'))['spec']).toEqual({
      template: { spec: { containers, timeoutSeconds: 300, containerConcurrency: 0 } },
      traffic: [{ latestRevision: true, percent: 100 }],
    });
  });

  test('a Secret’s stringData becomes data', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: NAMESPACE } };
    const created = storage.create({ ...secret, stringData: { key: 'täst' } });
    expect(created).toMatchObject({ type: 'Opaque', data: { key: Buffer.from('täst').toString('base64') } });
    expect(created['stringData']).toBeUndefined();
  });
});

describe('what is handed out', () => {
  test('is a copy, as is what was handed in', () => {
    const given = configMap('a', { x: '1' });
    const created = storage.create(given);
    given['data'].x = 'changed';
    created['data'].x = 'changed';
    const read = stored('a');
    if (read) {
      read['data'].x = 'changed';
    }
    const [listed] = storage.list('configmaps', { namespace: NAMESPACE });
    if (listed) {
      listed['data'].x = 'changed';
    }
    expect(stored('a')?.['data']).toEqual({ x: '1' });
  });

  test('lists by namespace and labels, in the order of names', () => {
    storage.create(namespace('other'));
    storage.create(configMap('b', {}, { labels: { app: 'x' } }));
    storage.create(configMap('a', {}, { labels: { app: 'x' } }));
    storage.create(configMap('c', {}, { labels: { app: 'y' } }));
    storage.create(configMap('a', {}, { namespace: 'other', labels: { app: 'x' } }));
    const names = (filter?: { namespace?: string; labelSelector?: string }) =>
      storage.list('configmaps', filter).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(names({ namespace: NAMESPACE, labelSelector: 'app=x' })).toEqual(['team/a', 'team/b']);
    expect(names()).toEqual(['other/a', 'team/a', 'team/b', 'team/c']);
  });

  test('asking for a kind that does not exist fails', () => {
    expect(caught(() => storage.list('pods.example.com'))).toMatchObject({ code: 404 });
    const unknown = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' } };
    expect(caught(() => storage.create(unknown))).toMatchObject({ code: 404 });
  });
});

describe('update', () => {
  test('replaces all but status, uid and times', () => {
    const created = storage.create(service('fn'));
    storage.updateStatus('services.serving.knative.dev', NAMESPACE, 'fn', { url: 'http://fn' });
    const next = service('fn', { timeoutSeconds: 10 });
    const updated = storage.update({ ...next, status: { url: 'forged' } });
    expect(updated.metadata).toMatchObject({
      uid: created.metadata.uid,
      creationTimestamp: created.metadata.creationTimestamp,
      generation: 2,
    });
    expect(updated['spec'].template.spec.timeoutSeconds).toBe(10);
    expect(updated['status']).toEqual({ url: 'http://fn' });
  });

  test('with a stale resourceVersion is a Conflict; with none it is not', () => {
    const created = storage.create(configMap('a'));
    storage.update(configMap('a', { x: '1' }));
    expect(caught(() => storage.update({ ...created, data: { x: '2' } }))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
    expect(storage.update(configMap('a', { x: '3' }))['data']).toEqual({ x: '3' });
  });

  test('of an object that was deleted and made again is a Conflict by uid', () => {
    const { metadata } = storage.create(configMap('a'));
    storage.remove('configmaps', NAMESPACE, 'a');
    storage.create(configMap('a'));
    expect(caught(() => storage.update(configMap('a', {}, { uid: metadata.uid ?? '' })))).toMatchObject({ code: 409 });
  });

  test('that changes nothing makes neither a version nor an event', async () => {
    const created = storage.create(job('build'));
    const events = record(storage, 'jobs.batch');
    expect(storage.update(created)).toEqual(created);
    await settled();
    expect(events.map(({ type }) => type)).toEqual(['ADDED']);
  });

  test.each([
    { case: 'the spec', change: { spec: { suspend: true } }, generation: 2 },
    { case: 'labels', change: { metadata: { labels: { a: 'b' } } }, generation: 1 },
  ])('generation counts changes of the spec alone: $case', ({ change, generation }) => {
    const created = storage.create(job('build'));
    const updated = storage.update({
      ...created,
      spec: { ...created['spec'], ...change.spec },
      metadata: { ...created.metadata, ...change.metadata },
    });
    expect(updated.metadata.generation).toBe(generation);
  });

  test('of an object that is gone is NotFound', () => {
    expect(caught(() => storage.update(configMap('a')))).toMatchObject({ code: 404, reason: 'NotFound' });
  });
});

describe('updateStatus', () => {
  test('changes the status and the version, nothing else', () => {
    const created = storage.create(pod('p'));
    const updated = storage.updateStatus('pods', NAMESPACE, 'p', { phase: 'Running' });
    expect(updated).toEqual({
      ...created,
      status: { phase: 'Running' },
      metadata: { ...created.metadata, resourceVersion: updated?.metadata.resourceVersion },
    });
    expect(updated?.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
  });

  test('makes no event where it is the same, and is undefined where the object is gone', async () => {
    storage.create(pod('p'));
    storage.updateStatus('pods', NAMESPACE, 'p', { phase: 'Running', conditions: [] });
    const events = record(storage, 'pods');
    storage.updateStatus('pods', NAMESPACE, 'p', { conditions: [], phase: 'Running' });
    await settled();
    expect(events).toHaveLength(1);
    expect(storage.updateStatus('pods', NAMESPACE, 'gone', {})).toBeUndefined();
  });
});
