/** The registry as clients see it: what it takes, and what it refuses as distribution does. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, sha256, TestRegistry } from './start.ts';

const registry = new TestRegistry();
beforeAll(() => registry.start());
afterAll(() => registry.close());

const codeOf = async (answer: Response) => ((await answer.json()) as { errors: { code: string }[] }).errors[0]?.code;
const accept = { headers: { accept: OCI_MANIFEST } };

test('an image that was pushed is there by tag and digest, in this repository alone', async () => {
  const digest = await registry.pushImage('acme/parser', [[{ name: 'app/a.js', content: 'a' }]]);
  for (const reference of ['v1', digest]) {
    const answer = await registry.ask('GET', `/v2/acme/parser/manifests/${reference}`, accept);
    expect(answer.headers.get('content-type')).toBe(OCI_MANIFEST);
    expect(answer.headers.get('docker-content-digest')).toBe(digest);
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(digest);
    const head = await registry.ask('HEAD', `/v2/acme/parser/manifests/${reference}`, accept);
    expect(head.headers.get('docker-content-digest')).toBe(digest);
    const other = await registry.ask('GET', `/v2/acme/other/manifests/${reference}`, accept);
    expect([other.status, await codeOf(other)]).toEqual([404, 'MANIFEST_UNKNOWN']);
  }
  const tags = await registry.ask('GET', '/v2/acme/parser/tags/list');
  expect(await tags.json()).toEqual({ name: 'acme/parser', tags: ['v1'] });
  const catalog = await registry.ask('GET', '/v2/_catalog');
  expect(await catalog.json()).toMatchObject({ repositories: ['acme/parser'] });
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  for (const other of [docker, '*/*']) {
    const refused = await registry.ask('GET', '/v2/acme/parser/manifests/v1', { headers: { accept: other } });
    expect(refused.status).toBe(404);
  }
});

describe('uploads', () => {
  test('in one request, in one piece, and in chunks', async () => {
    const one = await registry.ask('POST', `/v2/acme/up/blobs/uploads/?digest=${sha256('one')}`, { body: 'one' });
    expect(one.status).toBe(201);
    await registry.pushBlob('acme/up', 'two');
    const begun = await registry.ask('POST', '/v2/acme/up/blobs/uploads/');
    expect(begun.status).toBe(202);
    const location = begun.headers.get('location') ?? '';
    const chunk = (body: string, range: string) =>
      registry.ask('PATCH', location, { body, headers: { 'content-range': range } });
    expect((await chunk('thr', '0-2')).headers.get('range')).toBe('0-2');
    const twice = await chunk('thr', '0-2');
    expect([twice.status, await codeOf(twice)]).toEqual([416, 'RANGE_INVALID']);
    const short = await chunk('ee', '3-5');
    expect([short.status, await codeOf(short)]).toEqual([400, 'SIZE_INVALID']);
    expect((await chunk('ee', '3-4')).status).toBe(202);
    expect((await registry.ask('GET', location)).headers.get('range')).toBe('0-4');
    expect((await registry.ask('PUT', `${location}?digest=${sha256('three')}`)).status).toBe(201);
    for (const content of ['one', 'two', 'three']) {
      const answer = await registry.ask('GET', `/v2/acme/up/blobs/${sha256(content)}`);
      expect(await answer.text()).toBe(content);
      const head = await registry.ask('HEAD', `/v2/acme/up/blobs/${sha256(content)}`);
      expect(head.headers.get('content-length')).toBe(String(content.length));
    }
    expect(readdirSync(join(registry.directory, 'registry/uploads'))).toEqual([]);
  });

  test.each([
    { case: 'another digest', digest: sha256('other') },
    { case: 'no digest', digest: '' },
    { case: 'a digest of another kind', digest: `sha512:${'0'.repeat(128)}` },
  ])('with $case leaves nothing', async ({ digest }) => {
    const begun = await registry.ask('POST', '/v2/acme/wrong/blobs/uploads/');
    const location = begun.headers.get('location');
    const answer = await registry.ask('PUT', `${location}?digest=${digest}`, { body: 'content' });
    expect([answer.status, await codeOf(answer)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await registry.ask('HEAD', `/v2/acme/wrong/blobs/${sha256('content')}`)).status).toBe(404);
    expect((await registry.ask('GET', `${location}`)).status).toBe(404);
    expect(readdirSync(join(registry.directory, 'registry/uploads'))).toEqual([]);
  });

  test('a chunk that breaks off may be sent again', async () => {
    const begun = await registry.ask('POST', '/v2/acme/broken/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    await new Promise<void>((resolve) => {
      const half = request(`${registry.url}${location}`, { method: 'PATCH', headers: { 'content-length': 8 } });
      half.on('error', () => resolve());
      half.write('four', () => setTimeout(() => half.destroy(), 50));
      half.on('close', () => resolve());
    });
    await expect.poll(async () => (await registry.ask('GET', location)).headers.get('range')).toBe('0-0');
    const again = { body: 'fourfour', headers: { 'content-range': '0-7' } };
    await expect.poll(async () => (await registry.ask('PATCH', location, again)).status).toBe(202);
    expect((await registry.ask('PUT', `${location}?digest=${sha256('fourfour')}`)).status).toBe(201);
  });

  test('that were dropped, or not finished by a former process, are gone', async () => {
    const dropped = (await registry.ask('POST', '/v2/acme/x/blobs/uploads/')).headers.get('location') ?? '';
    expect((await registry.ask('DELETE', dropped)).status).toBe(204);
    expect((await registry.ask('PATCH', dropped, { body: 'x' })).status).toBe(404);
    const folder = join(registry.directory, 'registry/uploads');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'unfinished'), 'half');
    await registry.stop();
    await registry.start();
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  test('mounts take a blob of another repository, and nothing else', async () => {
    const { digest } = await registry.pushBlob('acme/from', 'shared');
    const mount = (from: string, wanted = digest) =>
      registry.ask('POST', `/v2/acme/to/blobs/uploads/?mount=${wanted}&from=${from}`);
    expect((await mount('acme/elsewhere')).status).toBe(202);
    expect((await mount('acme/from', sha256('never'))).status).toBe(202);
    expect((await registry.ask('HEAD', `/v2/acme/to/blobs/${digest}`)).status).toBe(404);
    expect((await mount('acme/from')).status).toBe(201);
    expect((await registry.ask('HEAD', `/v2/acme/to/blobs/${digest}`)).status).toBe(200);
  });
});

describe('a manifest is refused', async () => {
  const blob = (mediaType: string, content: string) => ({ mediaType, digest: sha256(content), size: content.length });
  const config = blob(OCI_CONFIG, '{}');
  const layer = blob(OCI_LAYER, 'layer');
  const good = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] };
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  const dockerLayer = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  beforeAll(async () => {
    await registry.pushBlob('acme/checked', '{}');
    await registry.pushBlob('acme/checked', 'layer');
    await registry.pushBlob('acme/unchecked', 'elsewhere');
  });

  test('not where all is right', async () => {
    expect((await registry.putManifest('acme/checked', 'good', good)).status).toBe(201);
  });

  test.each([
    { case: 'no JSON', manifest: '{', code: 'MANIFEST_INVALID' },
    { case: 'another version', manifest: { ...good, schemaVersion: 1 }, code: 'MANIFEST_INVALID' },
    { case: 'no config', manifest: { ...good, config: undefined }, code: 'MANIFEST_INVALID' },
    { case: 'layers that are no list', manifest: { ...good, layers: {} }, code: 'MANIFEST_INVALID' },
    { case: 'a layer that is none', manifest: { ...good, layers: [null] }, code: 'MANIFEST_INVALID' },
    {
      case: 'a blob that nobody has pushed',
      manifest: { ...good, layers: [blob(OCI_LAYER, 'unknown')] },
      code: 'MANIFEST_BLOB_UNKNOWN',
    },
    {
      case: 'a blob of another repository',
      manifest: { ...good, layers: [blob(OCI_LAYER, 'elsewhere')] },
      code: 'MANIFEST_BLOB_UNKNOWN',
    },
    { case: 'a wrong size', manifest: { ...good, layers: [{ ...layer, size: 9 }] }, code: 'MANIFEST_INVALID' },
    {
      case: 'a layer of Docker in an OCI manifest',
      manifest: { ...good, layers: [{ ...layer, mediaType: dockerLayer }] },
      code: 'MANIFEST_INVALID',
    },
    {
      case: 'a layer of OCI in a manifest of Docker',
      manifest: { ...good, mediaType: docker },
      contentType: docker,
      code: 'MANIFEST_INVALID',
    },
    { case: 'another type than the request says', manifest: good, contentType: docker, code: 'MANIFEST_INVALID' },
    { case: 'an unknown type', manifest: { ...good, mediaType: 'text/plain' }, code: 'MANIFEST_INVALID' },
    { case: 'another digest', manifest: good, tag: sha256('other'), code: 'DIGEST_INVALID' },
    { case: 'a tag that is none', manifest: good, tag: '.hidden', code: 'TAG_INVALID' },
  ])('with $case', async ({ manifest, code, contentType = OCI_MANIFEST, tag = 'bad' }) => {
    const answer = await registry.putManifest('acme/checked', tag, manifest, contentType);
    expect([answer.status, await codeOf(answer)]).toEqual([400, code]);
    expect((await registry.ask('GET', `/v2/acme/checked/manifests/${tag}`)).status).toBe(404);
  });

  test('where it is too large', async () => {
    const answer = await registry.putManifest('acme/checked', 'large', `"${'x'.repeat(5 * 1024 ** 2)}"`);
    expect(answer.status).toBe(400);
  });
});

test.each([
  { method: 'DELETE', path: '/v2/acme/x/manifests/v1', status: 405, code: 'UNSUPPORTED' },
  { method: 'DELETE', path: `/v2/acme/x/blobs/${sha256('x')}`, status: 405, code: 'UNSUPPORTED' },
  { method: 'GET', path: '/v2/acme/nothing/tags/list', status: 404, code: 'NAME_UNKNOWN' },
  { method: 'GET', path: '/v2/UPPER/manifests/v1', status: 400, code: 'NAME_INVALID' },
  { method: 'GET', path: '/v2/a%2f..%2fb/manifests/v1', status: 400, code: 'NAME_INVALID' },
  { method: 'GET', path: `/v2/${'a'.repeat(300)}/manifests/v1`, status: 400, code: 'NAME_INVALID' },
  { method: 'GET', path: '/v2/acme/x/blobs/..%2f..%2f..%2fjournal', status: 404, code: 'BLOB_UNKNOWN' },
  { method: 'GET', path: '/v2/acme/x/manifests/..%2f_manifests', status: 404, code: 'MANIFEST_UNKNOWN' },
  { method: 'GET', path: '/v2/acme/x/manifests/v1?ns=../../etc', status: 400, code: 'NAME_INVALID' },
])('$method $path: $code', async ({ method, path, status, code }) => {
  const answer = await registry.ask(method, path);
  expect([answer.status, await codeOf(answer)]).toEqual([status, code]);
});

test.each([{ host: 'attacker.example' }, { host: '127.0.0.1', origin: 'https://attacker.example' }])(
  'a web page is refused: $host $origin',
  async (headers) => {
    const status = await new Promise((resolve) => {
      request(`${registry.url}/v2/`, { headers }, (answer) => resolve(answer.resume().statusCode)).end();
    });
    expect(status).toBe(403);
  },
);

describe('base images', () => {
  const manifest = (path: string) => registry.ask('GET', path, accept);

  test('of a kind that the machine stands in for are there, and always the same', async () => {
    const one = await manifest('/v2/library/node/manifests/24-slim?ns=docker.io');
    const two = await manifest('/v2/mirror/node/manifests/22?ns=mirror.example');
    const digest = one.headers.get('docker-content-digest') ?? '';
    expect(two.headers.get('docker-content-digest')).toBe(digest);
    const { config, layers } = (await one.json()) as { config: { digest: string }; layers: { digest: string }[] };
    const blob = await registry.ask('GET', `/v2/library/node/blobs/${config.digest}?ns=docker.io`);
    expect(await blob.json()).toMatchObject({
      os: 'linux',
      config: {
        Cmd: ['node'],
        Env: [expect.stringContaining('PATH=')],
        Labels: { 'knative-lambda/base-kind': 'node' },
      },
    });
    expect((await manifest(`/v2/library/node/manifests/${digest}?ns=docker.io`)).status).toBe(200);
    // Into another repository, whichever registry that is of.
    const mount = `mount=${layers[0]?.digest}&from=docker.io/library/node`;
    const answer = await registry.ask('POST', `/v2/acme/on-node/blobs/uploads/?ns=registry.local&${mount}`);
    expect(answer.status).toBe(201);
  });

  test.each([
    { case: 'of an unknown kind', path: '/v2/library/postgres/manifests/17?ns=docker.io' },
    { case: 'of another digest', path: `/v2/library/node/manifests/${sha256('x')}?ns=docker.io` },
    { case: 'of the platform’s own registry', path: '/v2/knative-lambda/acme/node/manifests/v1?ns=registry.local' },
  ])('$case are not', async ({ path }) => {
    expect((await manifest(path)).status).toBe(404);
  });
});
