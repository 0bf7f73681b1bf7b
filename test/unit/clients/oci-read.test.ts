/** What is read from a registry is the image that was asked for, or a refusal that says why not. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOciRegistry } from '#shared/clients/oci-client.ts';
import { type RegistryServer, registryServer } from '#test/fakes/registry-server.ts';
import { addImage, DOCKER, OCI } from './oci-images.ts';

let server: RegistryServer;
let registry: ReturnType<typeof createOciRegistry>;
beforeEach(async () => {
  server = await registryServer();
  registry = createOciRegistry({ architecture: 'amd64' });
});
afterEach(async () => {
  registry.close();
  await server.close();
});

const at = (path: string) => `${server.host}/${path}`;
const read = (reference: string) => registry.readImage(at('base/node'), reference);
const refused = (text: string) =>
  expect.objectContaining({ name: 'PermanentError', reason: 'Refused', message: expect.stringContaining(text) });
/** Without the question whether it speaks TLS. */
const asked = () => server.requests.map(({ line }) => line).filter((line) => line !== 'GET /v2/');

test.each([
  ['OCI', OCI],
  ['Docker', DOCKER],
])('an image of %s by tag, and then by digest from memory', async (_family, types) => {
  const { digest, manifest } = addImage(server, 'base/node', '24', { types });
  const image = await read('24');
  expect(image).toMatchObject({ digest, manifest, config: { architecture: 'amd64', os: 'linux' } });
  expect(asked()).toEqual(['GET /v2/base/node/manifests/24', `GET /v2/base/node/blobs/${manifest.config.digest}`]);
  const accepted = server.requests.at(-2)?.headers.accept;
  for (const type of [OCI.manifest, OCI.index, DOCKER.manifest, DOCKER.index]) {
    expect(accepted).toContain(type);
  }
  expect(await read(digest)).toBe(image);
  expect(asked()).toHaveLength(2);
  await read('24');
  expect(asked()).toHaveLength(3);
});

test('what one repository has is no answer for another', async () => {
  const { digest } = addImage(server, 'base/node', '24');
  await read('24');
  expect(await registry.readImage(at('other/node'), digest)).toBeUndefined();
});

test('what is kept cannot be changed', async () => {
  addImage(server, 'base/node', '24');
  const image = await read('24');
  expect(() => image?.manifest.layers.pop()).toThrow(TypeError);
  expect(() => image?.config.rootfs.diff_ids.push('')).toThrow(TypeError);
});

test.each([OCI.index, DOCKER.index])('the image for the platform out of %s', async (mediaType) => {
  const arm = addImage(server, 'base/node', 'arm', { architecture: 'arm64' });
  const amd = addImage(server, 'base/node', 'amd');
  const entry = ({ digest, size, manifest }: typeof arm, architecture: string, os = 'linux') => ({
    mediaType: manifest.mediaType,
    digest,
    size,
    platform: { os, architecture },
  });
  const manifests = [
    entry(arm, 'unknown', 'unknown'),
    entry(arm, 'amd64', 'windows'),
    entry(arm, 'arm64'),
    entry(amd, 'amd64'),
  ];
  const digest = server.addManifest('base/node', '24', { schemaVersion: 2, mediaType, manifests }, mediaType);
  expect(await read('24')).toMatchObject({ digest: amd.digest });
  const before = server.requests.length;
  expect(await read(digest)).toMatchObject({ digest: amd.digest });
  expect(server.requests).toHaveLength(before);

  const other = createOciRegistry({ architecture: 'riscv64' });
  await expect(other.readImage(at('base/node'), '24')).rejects.toEqual(
    refused('no image for linux/riscv64, but for: unknown/unknown, windows/amd64, linux/arm64, linux/amd64'),
  );
  other.close();
});

test('nothing is no image: no repository, no tag, or a part that is lost', async () => {
  expect(await read('24')).toBeUndefined();
  const { manifest } = addImage(server, 'base/node', '24');
  expect(await read('25')).toBeUndefined();
  server.repository('base/node').blobs.delete(manifest.config.digest);
  expect(await read('24')).toBeUndefined();
});

describe('refused by name', () => {
  test('an image for another platform', async () => {
    addImage(server, 'base/node', '24', { architecture: 'arm64' });
    await expect(read('24')).rejects.toEqual(refused('linux/arm64'));
  });

  test('a manifest of schema 1', async () => {
    const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    server.addManifest('base/node', 'old', { schemaVersion: 1 }, type);
    await expect(read('old')).rejects.toEqual(refused(type));
  });

  test('a manifest that says that it is something else', async () => {
    const { manifest } = addImage(server, 'base/node', '24');
    server.addManifest('base/node', 'two', { ...manifest, mediaType: OCI.index }, OCI.manifest);
    await expect(read('two')).rejects.toEqual(refused(OCI.index));
  });

  test('a manifest that is an index too', async () => {
    const { manifest } = addImage(server, 'base/node', '24');
    server.addManifest('base/node', 'both', { ...manifest, manifests: [] }, OCI.manifest);
    await expect(read('both')).rejects.toEqual(refused('config and layers'));
  });

  test('an index within an index', async () => {
    const index = { schemaVersion: 2, mediaType: OCI.index, manifests: [] };
    const inner = server.addManifest('base/node', 'inner', index, OCI.index);
    const entry = { mediaType: OCI.manifest, digest: inner, size: 3, platform: { os: 'linux', architecture: 'amd64' } };
    server.addManifest('base/node', 'outer', { ...index, manifests: [entry] }, OCI.index);
    await expect(read('outer')).rejects.toEqual(refused('no image for'));
  });

  test('a config with another number of layers', async () => {
    addImage(server, 'base/node', '24', { config: { rootfs: { type: 'layers', diff_ids: [] } } });
    await expect(read('24')).rejects.toEqual(refused('2 layers'));
  });

  test('what is not its digest', async () => {
    const { digest, manifest } = addImage(server, 'base/node', '24');
    server.repository('base/node').blobs.set(manifest.config.digest, Buffer.from('{}'));
    await expect(read('24')).rejects.toEqual(refused(manifest.config.digest));
    server.repository('base/node').manifests.set(digest, { bytes: Buffer.from('{}'), mediaType: OCI.manifest });
    await expect(read(digest)).rejects.toEqual(refused(digest));
    await expect(read('24')).rejects.toEqual(refused(digest));
  });

  test('a manifest or config without end', async () => {
    const { digest } = addImage(server, 'base/node', '24', { config: { filling: 'x'.repeat(8 * 1024 * 1024) } });
    await expect(read(digest)).rejects.toEqual(refused('8388608 bytes'));
    const filling = { schemaVersion: 2, annotations: { filling: 'x'.repeat(4 * 1024 * 1024) } };
    server.addManifest('base/node', 'large', filling, OCI.manifest);
    await expect(read('large')).rejects.toEqual(refused('4194304 bytes'));
  });

  test.each(['', '../x', 'a/b', 'a?b', 'sha512:00', 'sha256:00', `sha256:${'A'.repeat(64)}`, 'x'.repeat(129)])(
    'the reference %j',
    async (reference) => {
      await expect(read(reference)).rejects.toEqual(refused('neither a tag nor a digest'));
      expect(server.requests).toHaveLength(0);
    },
  );
});

test('one endpoint is asked for every registry', async () => {
  const laptop = createOciRegistry({ architecture: 'amd64', endpoint: `http://${server.host}` });
  addImage(server, 'library/node', '24');
  await laptop.readImage('node', '24');
  await laptop.readImage('ghcr.io/library/node', '24');
  expect(asked().map((line) => line.replace(/blobs.*\?/, 'blobs/?'))).toEqual([
    'GET /v2/library/node/manifests/24?ns=docker.io',
    'GET /v2/library/node/blobs/?ns=docker.io',
    'GET /v2/library/node/manifests/24?ns=ghcr.io',
    'GET /v2/library/node/blobs/?ns=ghcr.io',
  ]);
  laptop.close();
});
