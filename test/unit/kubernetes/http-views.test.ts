/** What else the API shows over HTTP: tables, discovery, logs. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_MAPS, PODS, type Server, startServer } from './api-server.ts';
import { configMap, NAMESPACE, pod } from './objects.ts';

let server: Server;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

describe('representations', () => {
  test('tables, with as much of the object as was asked for', async () => {
    server.storage.create(configMap('a', { x: '1' }));
    const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
    const { body } = await server.call('GET', CONFIG_MAPS, undefined, accept);
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(['Name', 'Data', 'Age']);
    expect(body.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    expect(body.rows[0].object.data).toBeUndefined();
    const whole = await server.call('GET', `${CONFIG_MAPS}/a?includeObject=Object`, undefined, accept);
    expect(whole.body.rows[0].object.data).toEqual({ x: '1' });
  });

  test('metadata alone', async () => {
    server.storage.create(configMap('a', { x: '1' }));
    const accept = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
    const { body } = await server.call('GET', CONFIG_MAPS, undefined, accept);
    expect(body).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }],
    });
    expect(body.items[0].data).toBeUndefined();
  });
});

describe('discovery', () => {
  test('tells the kinds with their short names, scopes and subresources', async () => {
    expect((await server.call('GET', '/api')).body.versions).toEqual(['v1']);
    const groups = (await server.call('GET', '/apis')).body.groups.map(({ name }: { name: string }) => name);
    expect(groups).toEqual(
      expect.arrayContaining(['batch', 'serving.knative.dev', 'eventing.knative.dev', 'rbac.authorization.k8s.io']),
    );
    const serving = (await server.call('GET', '/apis/serving.knative.dev/v1')).body;
    expect(serving.resources).toContainEqual(
      expect.objectContaining({
        name: 'services',
        kind: 'Service',
        namespaced: true,
        shortNames: ['kservice', 'ksvc'],
      }),
    );
    expect(serving.resources).toContainEqual(expect.objectContaining({ name: 'services/status' }));
    const core = (await server.call('GET', '/api/v1')).body;
    expect(core.resources).toContainEqual(expect.objectContaining({ name: 'pods/log' }));
    expect(core.resources).toContainEqual(expect.objectContaining({ name: 'namespaces', namespaced: false }));
  });

  test.each([
    '/version',
    '/healthz',
    '/readyz',
    '/openapi/v2',
    '/openapi/v3',
    '/openapi/v3/apis/batch/v1',
    '/apis/batch',
  ])('%s answers', async (path) => {
    expect((await server.call('GET', path)).code).toBe(200);
  });
});

describe('logs', () => {
  beforeEach(() => {
    server.storage.create(pod('p', {}, { nodeName: 'node' }));
    server.logs.set('p/main', 'one\ntwo\nthree\n');
  });
  const log = (query = '') => server.call('GET', `${PODS}/p/log${query}`);

  test.each([
    { query: '', text: 'one\ntwo\nthree\n' },
    { query: '?tailLines=2', text: 'two\nthree\n' },
    { query: '?tailLines=0', text: '' },
    { query: '?tailLines=9', text: 'one\ntwo\nthree\n' },
    { query: '?limitBytes=5', text: 'one\nt' },
    { query: '?container=main&timestamps=false', text: 'one\ntwo\nthree\n' },
  ])('with $query', async ({ query, text }) => {
    expect(await log(query)).toEqual({ code: 200, type: 'text/plain', body: text });
  });

  test('the last line counts also where it is not finished', async () => {
    server.logs.set('p/main', 'one\ntwo');
    expect((await log('?tailLines=1')).body).toBe('two');
  });

  test('are followed until the container ends', async () => {
    const followed = log('?follow=true&tailLines=1');
    await new Promise((done) => setTimeout(done, 50));
    server.logs.set('p/main', 'one\ntwo\nthree\nfour\n');
    const status = {
      phase: 'Succeeded',
      containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 0 } } }],
    };
    server.storage.updateStatus('pods', NAMESPACE, 'p', status);
    expect((await followed).body).toBe('three\nfour\n');
  });

  describe('with timestamps', () => {
    const stamps = [
      '2026-11-27T10:00:01.000000000Z',
      '2026-11-27T10:00:01.000000001Z',
      '2026-11-27T10:00:03.000000000Z',
    ];

    test.each([
      { query: '', lines: [0, 1, 2] },
      { query: '&tailLines=1', lines: [2] },
      { query: '&sinceTime=2026-11-27T10:00:01.5Z', lines: [0, 1, 2] },
      { query: '&sinceTime=2026-11-27T10:00:02Z', lines: [2] },
    ])('$query', async ({ query, lines }) => {
      server.stamp(() => stamps);
      const told = lines.map((n) => `${stamps[n]} ${['one', 'two', 'three'][n]}\n`);
      expect((await log(`?timestamps=true${query}`)).body).toBe(told.join(''));
    });
  });

  test('of what has not started, or is not there, are refused', async () => {
    server.logs.clear();
    expect(await log()).toMatchObject({
      code: 400,
      body: { message: 'container "main" in pod "p" is waiting to start: ContainerCreating' },
    });
    expect(await log('?container=x')).toMatchObject({
      code: 400,
      body: { message: 'container x is not valid for pod p' },
    });
    expect((await server.call('GET', `${PODS}/nope/log`)).code).toBe(404);
    server.storage.create(
      pod(
        'two',
        {},
        {
          containers: [
            { name: 'a', image: 'a' },
            { name: 'b', image: 'b' },
          ],
        },
      ),
    );
    server.logs.set('two/a', 'of the first');
    expect((await server.call('GET', `${PODS}/two/log`)).body).toBe('of the first');
  });
});
