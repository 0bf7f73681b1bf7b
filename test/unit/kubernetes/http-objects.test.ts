/** The API over HTTP: objects and lists of them, patches, deletion. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_MAPS, JOBS, PODS, SERVICES, type Server, startServer } from './api-server.ts';
import { configMap, job, NAMESPACE, namespace, pod, service } from './objects.ts';

let server: Server;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };

describe('objects', () => {
  test('are made, read, replaced, patched and deleted', async () => {
    expect(await server.call('POST', CONFIG_MAPS, { metadata: { name: 'a' }, data: { x: '1' } })).toMatchObject({
      code: 201,
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: NAMESPACE }, data: { x: '1' } },
    });
    expect(await server.call('GET', `${CONFIG_MAPS}/a`)).toMatchObject({ code: 200, body: { data: { x: '1' } } });
    expect(await server.call('PUT', `${CONFIG_MAPS}/a`, configMap('a', { x: '2' }))).toMatchObject({
      code: 200,
      body: { data: { x: '2' } },
    });
    expect(await server.call('PATCH', `${CONFIG_MAPS}/a`, { data: { x: null, y: '3' } }, MERGE)).toMatchObject({
      code: 200,
      body: { data: { y: '3' } },
    });
    expect(await server.call('DELETE', `${CONFIG_MAPS}/a`)).toMatchObject({
      code: 200,
      body: { kind: 'Status', status: 'Success', details: { name: 'a', kind: 'configmaps' } },
    });
    expect(await server.call('GET', `${CONFIG_MAPS}/a`)).toMatchObject({ code: 404 });
  });

  test('lists carry a version; built-in items do not repeat their kind, custom ones do', async () => {
    server.storage.create(configMap('a'));
    server.storage.create(service('fn'));
    const maps = await server.call('GET', CONFIG_MAPS);
    expect(maps.body).toMatchObject({
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(server.storage.table.version) },
    });
    expect(maps.body.items[0].kind).toBeUndefined();
    const services = await server.call('GET', SERVICES);
    expect(services.body.items[0]).toMatchObject({ kind: 'Service', apiVersion: 'serving.knative.dev/v1' });
  });

  test('are selected by labels and fields, in one namespace or all', async () => {
    server.storage.create(namespace('other'));
    server.storage.create(configMap('a', {}, { labels: { app: 'x' } }));
    server.storage.create(configMap('b', {}, { labels: { app: 'y' } }));
    server.storage.create(configMap('a', {}, { namespace: 'other', labels: { app: 'x' } }));
    const names = async (path: string) =>
      (await server.call('GET', path)).body.items.map(
        (item: { metadata: { name: string; namespace: string } }) => `${item.metadata.namespace}/${item.metadata.name}`,
      );
    expect(await names(`${CONFIG_MAPS}?labelSelector=${encodeURIComponent('app in (x,z)')}`)).toEqual(['team/a']);
    expect(await names('/api/v1/configmaps?labelSelector=app%3Dx')).toEqual(['other/a', 'team/a']);
    expect(await names('/api/v1/configmaps?fieldSelector=metadata.namespace%3Dother')).toEqual(['other/a']);
    expect((await server.call('GET', `${CONFIG_MAPS}?labelSelector=${encodeURIComponent('a b')}`)).code).toBe(400);
  });

  test('are deleted as a collection', async () => {
    for (const name of ['a', 'b', 'c']) {
      server.storage.create(configMap(name, {}, { labels: { odd: name === 'b' ? 'no' : 'yes' } }));
    }
    expect((await server.call('DELETE', `${CONFIG_MAPS}?labelSelector=odd%3Dyes`)).code).toBe(200);
    expect(server.storage.list('configmaps').map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  test('come as YAML, too', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: "1"\n';
    expect(await server.call('POST', CONFIG_MAPS, yaml, { 'content-type': 'application/yaml' })).toMatchObject({
      code: 201,
      body: { data: { x: '1' } },
    });
  });

  test('with dryRun are refused, rather than changed', async () => {
    server.storage.create(configMap('a', { x: '1' }));
    expect((await server.call('POST', `${CONFIG_MAPS}?dryRun=All`, configMap('b'))).code).toBe(400);
    expect((await server.call('PATCH', `${CONFIG_MAPS}/a?dryRun=All`, { data: { x: '2' } }, MERGE)).code).toBe(400);
    expect((await server.call('DELETE', `${CONFIG_MAPS}/a`, { dryRun: ['All'] })).code).toBe(400);
    expect(server.storage.list('configmaps').map(({ data }) => data)).toEqual([{ x: '1' }]);
  });
});

describe('patches', () => {
  test('by JSON patch, with a test that must hold', async () => {
    server.storage.create(configMap('a', { x: '1' }));
    const patch = (value: string) => [
      { op: 'test', path: '/data/x', value },
      { op: 'replace', path: '/data/x', value: '2' },
    ];
    expect((await server.call('PATCH', `${CONFIG_MAPS}/a`, patch('0'), JSON_PATCH)).code).toBe(422);
    expect((await server.call('PATCH', `${CONFIG_MAPS}/a`, patch('1'), JSON_PATCH)).body.data).toEqual({ x: '2' });
  });

  test('by strategic merge patch, for built-in kinds alone', async () => {
    server.storage.create(pod('p'));
    const patch = {
      metadata: { finalizers: ['a/b'], '$setElementOrder/finalizers': ['a/b'] },
      spec: { containers: [{ name: 'main', image: 'app:2' }] },
    };
    expect((await server.call('PATCH', `${PODS}/p`, patch, STRATEGIC)).body.spec.containers).toMatchObject([
      { name: 'main', image: 'app:2' },
    ]);
    server.storage.create(service('fn'));
    expect((await server.call('PATCH', `${SERVICES}/fn`, {}, STRATEGIC)).code).toBe(415);
  });

  test('with a version that has passed are a conflict', async () => {
    const { metadata } = server.storage.create(configMap('a'));
    server.storage.update(configMap('a', { x: '1' }));
    const patch = { metadata: { resourceVersion: metadata.resourceVersion }, data: { x: '2' } };
    expect(await server.call('PATCH', `${CONFIG_MAPS}/a`, patch, MERGE)).toMatchObject({
      code: 409,
      body: { reason: 'Conflict' },
    });
  });

  test('of the status change the status alone, and those of the object never do', async () => {
    server.storage.create(job('a'));
    const patch = { spec: { suspend: true }, status: { active: 1 } };
    expect((await server.call('PATCH', `${JOBS}/a/status`, patch, MERGE)).body).toMatchObject({
      spec: { suspend: false },
      status: { active: 1 },
    });
    expect(
      (await server.call('PATCH', `${JOBS}/a`, { status: { active: 2 }, spec: { suspend: true } }, MERGE)).body,
    ).toMatchObject({ spec: { suspend: true }, status: { active: 1 } });
    const { body } = await server.call('GET', `${JOBS}/a/status`);
    expect((await server.call('PUT', `${JOBS}/a/status`, { ...body, status: { active: 3 } })).body.status).toEqual({
      active: 3,
    });
  });

  test('by apply create and change, in YAML or JSON', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: "1"\n';
    expect((await server.call('PATCH', `${CONFIG_MAPS}/a?fieldManager=me`, yaml, APPLY)).code).toBe(201);
    const changed = await server.call('PATCH', `${CONFIG_MAPS}/a?fieldManager=me`, configMap('a', { y: '2' }), APPLY);
    expect(changed).toMatchObject({ code: 200, body: { data: { y: '2' } } });
    expect(changed.body.data).not.toHaveProperty('x');
    expect(
      await server.call('PATCH', `${CONFIG_MAPS}/a?fieldManager=other`, configMap('a', { y: '3' }), APPLY),
    ).toMatchObject({
      code: 409,
      body: { details: { causes: [{ field: '.data.y', reason: 'FieldManagerConflict' }] } },
    });
    expect(
      (await server.call('PATCH', `${CONFIG_MAPS}/a?fieldManager=other&force=true`, configMap('a', { y: '3' }), APPLY))
        .code,
    ).toBe(200);
    expect((await server.call('PATCH', `${CONFIG_MAPS}/a`, configMap('a'), APPLY)).code).toBe(422);
  });
});

describe('deletion', () => {
  test('takes options from the body, or from the query', async () => {
    server.storage.create(job('a', {}, {}, { finalizers: ['test/hold'] }));
    expect(await server.call('DELETE', `${JOBS}/a`, { propagationPolicy: 'Foreground' })).toMatchObject({
      code: 202,
      body: { kind: 'Job', metadata: { finalizers: ['test/hold', 'foregroundDeletion'] } },
    });
    server.storage.create(configMap('b'));
    expect((await server.call('DELETE', `${CONFIG_MAPS}/b`, { preconditions: { uid: 'another' } })).code).toBe(409);
    expect((await server.call('DELETE', `${CONFIG_MAPS}/b`, { preconditions: { resourceVersion: '1' } })).code).toBe(
      409,
    );
    expect((await server.call('DELETE', `${CONFIG_MAPS}/b?propagationPolicy=Background`)).code).toBe(200);
  });

  test('of a running pod answers with the pod', async () => {
    server.storage.create(pod('p', {}, { nodeName: 'node' }));
    const reply = await server.call('DELETE', `${PODS}/p`, { gracePeriodSeconds: 3 });
    expect(reply).toMatchObject({ code: 200, body: { kind: 'Pod', metadata: { deletionGracePeriodSeconds: 3 } } });
    expect(await server.call('DELETE', `${PODS}/p?gracePeriodSeconds=0`)).toMatchObject({
      code: 200,
      body: { kind: 'Pod' },
    });
    expect((await server.call('GET', `${PODS}/p`)).code).toBe(404);
  });
});
