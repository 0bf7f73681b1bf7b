/** What the API refuses over HTTP, and that it says so with a Status. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_MAPS, JOBS, SERVICES, type Server, startServer } from './api-server.ts';
import { configMap, pod, service } from './objects.ts';

let server: Server;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

describe('refusals', () => {
  test('are Status objects, as Kubernetes words them', async () => {
    expect(await server.call('GET', `${JOBS}/nope`)).toEqual({
      code: 404,
      type: 'application/json',
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'jobs.batch "nope" not found',
        reason: 'NotFound',
        details: { name: 'nope', group: 'batch', kind: 'jobs' },
        code: 404,
      },
    });
  });

  test.each([
    { case: 'an unknown path', method: 'GET', path: '/nope', code: 404 },
    { case: 'an unknown kind', method: 'GET', path: '/apis/batch/v1/cronjobs', code: 404 },
    { case: 'an unknown version', method: 'GET', path: '/apis/batch/v2', code: 404 },
    { case: 'an unknown subresource', method: 'GET', path: `${CONFIG_MAPS}/a/status`, code: 404 },
    { case: 'a namespace for what has none', method: 'GET', path: '/api/v1/namespaces/team/nodes', code: 404 },
    {
      case: 'creating without a namespace',
      method: 'POST',
      path: '/api/v1/configmaps',
      body: configMap('a'),
      code: 405,
    },
    { case: 'creating by name', method: 'POST', path: `${CONFIG_MAPS}/a`, body: configMap('a'), code: 405 },
    { case: 'replacing a collection', method: 'PUT', path: CONFIG_MAPS, body: configMap('a'), code: 405 },
    { case: 'replacing what is not there', method: 'PUT', path: `${CONFIG_MAPS}/a`, body: configMap('a'), code: 404 },
    {
      case: 'another namespace',
      method: 'POST',
      path: CONFIG_MAPS,
      body: configMap('a', {}, { namespace: 'other' }),
      code: 400,
    },
    { case: 'another name', method: 'PUT', path: `${CONFIG_MAPS}/b`, body: configMap('a'), code: 400 },
    { case: 'another kind', method: 'POST', path: CONFIG_MAPS, body: pod('a'), code: 400 },
    {
      case: 'a custom object without a kind',
      method: 'POST',
      path: SERVICES,
      body: { metadata: { name: 'a' } },
      code: 400,
    },
    { case: 'what is not JSON', method: 'POST', path: CONFIG_MAPS, body: '{', code: 400 },
    { case: 'what is no object', method: 'POST', path: CONFIG_MAPS, body: '[]', code: 400 },
    {
      case: 'a body of another type',
      method: 'POST',
      path: CONFIG_MAPS,
      body: '{}',
      headers: { 'content-type': 'text/plain' },
      code: 415,
    },
    {
      case: 'protobuf',
      method: 'POST',
      path: CONFIG_MAPS,
      body: 'k8s',
      headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
      code: 415,
    },
    {
      case: 'asking for protobuf alone',
      method: 'GET',
      path: CONFIG_MAPS,
      headers: { accept: 'application/vnd.kubernetes.protobuf' },
      code: 406,
    },
    {
      case: 'a body beyond 3 MiB',
      method: 'POST',
      path: CONFIG_MAPS,
      body: configMap('a', { x: 'x'.repeat(3 * 1024 * 1024) }),
      code: 413,
    },
    {
      case: 'a propagation that does not exist',
      method: 'DELETE',
      path: CONFIG_MAPS,
      body: { propagationPolicy: 'Sideways' },
      code: 400,
    },
    { case: 'a path that is badly encoded', method: 'GET', path: `${CONFIG_MAPS}/%zz`, code: 400 },
    { case: 'another host', method: 'GET', path: CONFIG_MAPS, headers: { host: 'evil.example.com' }, code: 403 },
  ])('$case → $code', async ({ method, path, body, headers, code }) => {
    const reply = await server.call(method, path, body, headers);
    expect(reply).toMatchObject({ code, body: { kind: 'Status', status: 'Failure', code } });
  });

  test('replacing a custom object needs its version', async () => {
    const created = server.storage.create(service('fn'));
    expect(await server.call('PUT', `${SERVICES}/fn`, service('fn'))).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'metadata.resourceVersion' }] } },
    });
    expect((await server.call('PUT', `${SERVICES}/fn`, created)).code).toBe(200);
  });
});
