/** What is told of a registry that refuses, or is ill; and that it is asked again only as often as others are. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOciRegistry } from '#shared/clients/oci-client.ts';
import { registryAddress } from '#shared/clients/registry-address.ts';
import { resolved } from '#shared/clients/registry-http.ts';
import { schemeFinder } from '#shared/clients/registry-scheme.ts';
import { type RegistryServer, registryServer } from '#test/fakes/registry-server.ts';
import { addImage, contentOf, OCI } from './oci-images.ts';
import { deadUrl, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const timeouts = { connect: 200, idle: 200 };
let server: RegistryServer;
let registry: ReturnType<typeof createOciRegistry>;
let scripted: ScriptedServer | undefined;
beforeEach(async () => {
  server = await registryServer();
  registry = createOciRegistry({ architecture: 'amd64', timeouts });
});
afterEach(async () => {
  registry.close();
  await server.close();
  await scripted?.close();
  scripted = undefined;
});

/** The first so many requests, besides the question whether it speaks TLS, are answered so. */
function ill(times: number, status: number, body = '', headers: Record<string, string> = {}): void {
  let left = times;
  server.rules = {
    disturb: ({ url }, response) => {
      if (url === '/v2/' || left === 0) {
        return false;
      }
      left -= 1;
      response.writeHead(status, headers).end(body);
      return true;
    },
  };
}
const requests = () => server.requests.filter(({ line }) => line !== 'GET /v2/').length;
const read = () => registry.readImage(`${server.host}/base/node`, '24');
const push = () => registry.pushBlob(`${server.host}/fn`, OCI.layer, contentOf(Buffer.from('layer')));
const said = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] });

test.each([500, 503, 429])('two answers %d in a row are not seen', async (status) => {
  const { digest } = addImage(server, 'base/node', '24');
  ill(2, status);
  expect(await read()).toMatchObject({ digest });
});

test.each([
  [503, 'RetryableError', 'Unavailable', 3],
  [429, 'RetryableError', 'Throttled', 3],
  [403, 'PermanentError', 'Forbidden', 2],
  [400, 'PermanentError', 'Refused', 1],
])('%d is a %s (%s) that says what, where and why', async (status, name, reason, sent) => {
  ill(10, status, said('SOME_CODE', 'in\u001b[31m words'));
  const error = (await push().catch((error: Error) => error)) as Error;
  expect(error).toMatchObject({ name, reason });
  expect(error.message).toContain(`${server.host}/fn`);
  expect(requests()).toBe(sent);
});

test('the words of a registry are quoted, made harmless; any other body is not', async () => {
  ill(1, 400, said('SOME_CODE', 'in\u001b[31m words'));
  await expect(read()).rejects.toThrow('SOME_CODE: in?[31m words (HTTP 400)');
  ill(1, 400, '<html>token=secret</html>');
  await expect(read()).rejects.toThrow(/: HTTP 400$/);
});

test('a repository that has to be made first is named', async () => {
  server.rules = {
    disturb: ({ method }, response) => {
      const isPost = method === 'POST';
      if (isPost) {
        response.writeHead(404).end(said('NAME_UNKNOWN', 'The repository does not exist in the registry'));
      }
      return isPost;
    },
  };
  await expect(push()).rejects.toMatchObject({
    reason: 'Refused',
    message: expect.stringContaining(
      `NAME_UNKNOWN: The repository does not exist in the registry (HTTP 404). Create the repository ${server.host}/fn`,
    ),
  });
});

test('a wait that the registry asks for is passed on', async () => {
  ill(10, 429, '', { 'retry-after': '30' });
  await expect(read()).rejects.toMatchObject({ reason: 'Throttled', retryAfter: 30 });
  expect(requests()).toBe(1);
});

test('nobody who listens', async () => {
  const host = (await deadUrl()).replace('http://', '');
  await expect(registry.readImage(`${host}/a`, '1')).rejects.toMatchObject({
    name: 'RetryableError',
    reason: 'Unavailable',
    message: `Registry failed at reading manifests/1 of ${host}/a: ECONNREFUSED`,
  });
});

test('one that is down is not asked by every call, and another is', async () => {
  ill(100, 503);
  await read().catch(() => undefined);
  await read().catch(() => undefined);
  const before = requests();
  await expect(read()).rejects.toThrow(`curl -i http://${server.host}/v2/`);
  expect(requests()).toBe(before);
  const well = await registryServer();
  expect(await registry.readImage(`${well.host}/a`, '1')).toBeUndefined();
  await well.close();
});

test('one that stalls is given up', async () => {
  server.rules = { disturb: ({ url }) => url !== '/v2/' };
  await expect(read()).rejects.toMatchObject({
    reason: 'Unavailable',
    message: expect.stringContaining('no answer in time'),
  });
});

test('an answer that is cut off is no answer', async () => {
  const { digest } = addImage(server, 'base/node', '24');
  let cut = false;
  server.rules = {
    disturb: ({ url }, response) => {
      if (cut || url === '/v2/') {
        return false;
      }
      cut = true;
      response.writeHead(200, { 'content-type': OCI.manifest, 'content-length': 1000 });
      response.write('{', () => response.destroy());
      return true;
    },
  };
  expect(await read()).toMatchObject({ digest });
});

test('connections are kept, and one that the registry has closed is opened again at once', async () => {
  scripted = await scriptedServer(() => ({ status: 404 }));
  const { host } = new URL(scripted.url);
  const endpoint = createOciRegistry({ endpoint: scripted.url, timeouts });
  for (let count = 0; count < 5; count++) {
    await endpoint.readImage(`${host}/a`, '1');
  }
  expect(scripted.connections()).toBe(1);
  endpoint.close();
});

describe('whether a nearby registry speaks TLS', () => {
  const address = registryAddress('10.0.0.1:5000/a');
  /** What it answers to each scheme: a status, or the code of an error. */
  function finding(answers: Record<string, number | string>) {
    const asked: string[] = [];
    const find = schemeFinder({
      async exchange({ url }) {
        asked.push(url.protocol);
        const status = answers[url.protocol];
        if (typeof status !== 'number') {
          throw Object.assign(new Error(), { code: status });
        }
        return { status, headers: {}, url, body: Buffer.alloc(0), stream: undefined };
      },
      close: () => undefined,
    });
    return { asked, find };
  }

  test.each([
    ['answers without', { 'http:': 200 }, 'http', 1],
    ['asks for credentials without', { 'http:': 401 }, 'http', 1],
    ['answers only with', { 'http:': 400, 'https:': 401 }, 'https', 2],
    ['breaks off without', { 'http:': 'ECONNRESET', 'https:': 200 }, 'https', 2],
    [
      'has a certificate that is not trusted',
      { 'http:': 'HPE_INVALID', 'https:': 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'https',
      2,
    ],
    ['is away', { 'http:': 'ECONNREFUSED', 'https:': 'ECONNREFUSED' }, 'http', 4],
    ['is ill', { 'http:': 503, 'https:': 'EPROTO' }, 'http', 4],
  ])('it %s', async (_case, answers, scheme, requests) => {
    const { asked, find } = finding(answers);
    expect([await find(address), await find(address)]).toEqual([scheme, scheme]);
    expect(asked).toHaveLength(requests);
  });
});

test.each([
  ['/v2/a', 'https://r.test:5000/v2/b', 'https://r.test:5000/v2/a'],
  ['http://r.test:5000/v2/a?x=1', 'https://r.test:5000/v2/b', 'https://r.test:5000/v2/a?x=1'],
  ['http://r.test/v2/a', 'https://r.test/v2/b', 'https://r.test/v2/a'],
  ['https://s3.test/a', 'http://r.test/v2/b', 'https://s3.test/a'],
  ['//s3.test/a', 'https://r.test/v2/b', 'https://s3.test/a'],
])('the Location %s after %s', (location, base, url) => {
  expect(resolved(location, new URL(base)).href).toBe(url);
});

test.each(['http://s3.test/a', 'file:///etc/passwd', 'http://'])('the Location %s is refused after TLS', (location) => {
  expect(() => resolved(location, new URL('https://r.test/'))).toThrow(expect.objectContaining({ reason: 'Refused' }));
});
