/** What is pushed is there once and whole, whatever the registry does with a request and its answer. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOciRegistry } from '#shared/clients/oci-client.ts';
import type { Manifest } from '#shared/clients/oci-registry.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { digestOf, type RegistryServer, registryServer } from '#test/fakes/registry-server.ts';
import { addImage, addLayer, contentOf, DOCKER, descriptorOf, OCI } from './oci-images.ts';

const MIB = 1024 * 1024;
let server: RegistryServer;
let other: RegistryServer | undefined;
let registry: ReturnType<typeof createOciRegistry>;
beforeEach(async () => {
  server = await registryServer();
  registry = createOciRegistry({ architecture: 'amd64' });
});
afterEach(async () => {
  registry.close();
  await server.close();
  await other?.close();
  other = undefined;
});

const at = (path: string) => `${server.host}/${path}`;
const failing = (name: string, reason: string, ...texts: string[]) =>
  expect.objectContaining({
    name,
    reason,
    message: expect.toSatisfy((said: string) => texts.every((text) => said.includes(text))),
  });
/** Method and kind of each request, without the question whether the registry speaks TLS. */
const asked = (from = server) =>
  from.requests
    .map(({ line }) => line)
    .filter((line) => line !== 'GET /v2/')
    .map((line) =>
      line.replace(/sha256:[0-9a-f]{64}|sha256%3A[0-9a-f]{64}/g, 'D').replace(/uploads\/[0-9a-f]{12}\S*/, 'uploads/id'),
    );
/** The first request of each of these methods is done, and its answer lost. Returns those that are still to come. */
function losesFirst(...methods: string[]): Set<string> {
  const due = new Set(methods);
  server.rules = { loseAnswer: ({ method }) => due.delete(`${method}`) };
  return due;
}
const blobsOf = (path: string) => server.repository(path).blobs;

describe('a small blob', () => {
  test.each(['absolute', 'relative', 'relative with query'] as const)(
    'goes in one piece to a Location that is %s',
    async (location) => {
      server.rules = { location };
      const bytes = randomBytes(1000);
      const pushed = await registry.pushBlob(at('fn'), OCI.layer, contentOf(bytes));
      expect(pushed).toEqual(descriptorOf(bytes));
      expect(blobsOf('fn').get(pushed.digest)).toEqual(bytes);
      expect(asked()).toEqual(['HEAD /v2/fn/blobs/D', 'POST /v2/fn/blobs/uploads/', 'PUT /v2/fn/blobs/uploads/id']);
    },
  );

  test('that is there is not sent', async () => {
    const bytes = randomBytes(1000);
    addLayer(server, 'fn', bytes);
    expect(await registry.pushBlob(at('fn'), OCI.layer, contentOf(bytes))).toEqual(descriptorOf(bytes));
    expect(asked()).toEqual(['HEAD /v2/fn/blobs/D']);
  });

  test('may be empty', async () => {
    const pushed = await registry.pushBlob(at('fn'), OCI.layer, () => Readable.from([]));
    expect(pushed).toEqual(descriptorOf(Buffer.alloc(0)));
    expect(blobsOf('fn').has(pushed.digest)).toBe(true);
  });

  test('of which only the answer was lost is there', async () => {
    const lost = losesFirst('GET', 'HEAD', 'POST', 'PUT');
    const bytes = randomBytes(1000);
    const { digest } = await registry.pushBlob(at('fn'), OCI.layer, contentOf(bytes));
    expect(blobsOf('fn').get(digest)).toEqual(bytes);
    expect(lost.size).toBe(0);
  });

  test('whose upload the registry has lost is uploaded again', async () => {
    let once = true;
    server.rules = {
      disturb: ({ method }) => {
        if (method === 'PUT' && once) {
          once = false;
          server.uploads.clear();
        }
        return false;
      },
    };
    const bytes = randomBytes(1000);
    let opened = 0;
    const { digest } = await registry.pushBlob(at('fn'), OCI.layer, () => {
      opened += 1;
      return Readable.from([bytes]);
    });
    expect(blobsOf('fn').get(digest)).toEqual(bytes);
    expect(opened).toBe(2);
  });

  test('that is always refused is given up in the end, and may succeed later', async () => {
    server.rules = {
      disturb: ({ method }) => {
        if (method === 'PUT') {
          server.uploads.clear();
        }
        return false;
      },
    };
    await expect(registry.pushBlob(at('fn'), OCI.layer, contentOf(randomBytes(10)))).rejects.toEqual(
      failing(
        'RetryableError',
        'Unavailable',
        `${server.host}/fn`,
        'BLOB_UPLOAD_UNKNOWN: blob upload unknown to registry',
      ),
    );
    expect(asked().filter((line) => line.startsWith('POST'))).toHaveLength(3);
  });
});

test('what the registry refuses for good is not tried again', async () => {
  server.rules = {
    disturb: ({ method }, response) => {
      const isPut = method === 'PUT';
      if (isPut) {
        response
          .writeHead(400)
          .end(JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message: 'no layers of zstd' }] }));
      }
      return isPut;
    },
  };
  await expect(registry.pushBlob(at('fn'), OCI.layer, contentOf(randomBytes(10)))).rejects.toEqual(
    failing('PermanentError', 'Refused', 'UNSUPPORTED: no layers of zstd'),
  );
  expect(asked().filter((line) => line.startsWith('POST'))).toHaveLength(1);
});

describe('a large blob', () => {
  test.each([
    ['8 MiB and a byte', 8 * MIB + 1, undefined, [8 * MIB, 1]],
    ['16 MiB', 16 * MIB, undefined, [8 * MIB, 8 * MIB]],
    ['20 MiB where chunks of 10 are the least', 20 * MIB + 5, 10 * MIB, [10 * MIB, 10 * MIB, 5]],
  ])('of %s goes in chunks', async (_case, size, leastChunk, chunks) => {
    server.rules = { location: 'relative with query', ...(leastChunk ? { leastChunk } : {}) };
    const bytes = randomBytes(size);
    const pieces = Array.from({ length: Math.ceil(size / MIB) }, (_, index) =>
      bytes.subarray(index * MIB, (index + 1) * MIB),
    );
    const pushed = await registry.pushBlob(at('fn'), OCI.layer, () => Readable.from(pieces));
    expect(pushed).toEqual(descriptorOf(bytes));
    expect(blobsOf('fn').get(pushed.digest)?.equals(bytes)).toBe(true);
    expect(server.requests.filter(({ line }) => line.startsWith('PATCH')).map((request) => request.bytes)).toEqual(
      chunks,
    );
  });

  test('of exactly 8 MiB is a small one', async () => {
    await registry.pushBlob(at('fn'), OCI.layer, contentOf(randomBytes(8 * MIB)));
    expect(asked().map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT']);
  });

  test.each(['PATCH', 'PUT'])('begins again where the answer to a %s was lost', async (method) => {
    losesFirst(method);
    const bytes = randomBytes(9 * MIB);
    const { digest } = await registry.pushBlob(at('fn'), OCI.layer, contentOf(bytes));
    expect(blobsOf('fn').get(digest)?.equals(bytes)).toBe(true);
  });

  test('is not one where the registry wants chunks that are too large for memory', async () => {
    server.rules = { leastChunk: 100 * MIB };
    await expect(registry.pushBlob(at('fn'), OCI.layer, contentOf(randomBytes(9 * MIB)))).rejects.toEqual(
      failing('PermanentError', 'Refused', '104857600'),
    );
  });
});

test.each([
  ['at once', 0],
  ['after some bytes', MIB],
  ['in the middle of an upload', 9 * MIB],
])("an error of the content's own %s passes, and leaves no upload", async (_case, after) => {
  const changed = new RetryableError('SourceChanging', 'the source has changed');
  const bytes = randomBytes(after);
  async function* content() {
    yield bytes;
    throw changed;
  }
  await expect(registry.pushBlob(at('fn'), OCI.layer, () => Readable.from(content()))).rejects.toBe(changed);
  expect(server.uploads.size).toBe(0);
  expect(blobsOf('fn').size).toBe(0);
});

describe('a blob of another repository', () => {
  const bytes = randomBytes(2000);

  test('is mounted', async () => {
    const blob = addLayer(server, 'base/node', bytes);
    expect(await registry.takeBlob(at('fn'), blob, at('base/node'))).toBe(true);
    expect(asked()).toEqual(['HEAD /v2/fn/blobs/D', 'POST /v2/fn/blobs/uploads/?mount=D&from=base%2Fnode']);
    expect(await registry.takeBlob(at('fn'), blob, at('base/node'))).toBe(true);
    expect(asked()).toHaveLength(3);
  });

  test('is copied where the registry mounts nothing, to the upload that it has begun', async () => {
    server.rules = { mountsNothing: true };
    const blob = addLayer(server, 'base/node', bytes);
    expect(await registry.takeBlob(at('fn'), blob, at('base/node'))).toBe(true);
    expect(blobsOf('fn').get(blob.digest)).toEqual(bytes);
    expect(asked().filter((line) => line.startsWith('POST'))).toHaveLength(1);
    expect(server.uploads.size).toBe(0);
  });

  test('is copied where the registry refuses to mount', async () => {
    server.rules = {
      disturb: ({ url }, response) => {
        const isMount = url?.includes('mount=') === true;
        if (isMount) {
          response.writeHead(405).end();
        }
        return isMount;
      },
    };
    const blob = addLayer(server, 'base/node', bytes);
    expect(await registry.takeBlob(at('fn'), blob, at('base/node'))).toBe(true);
    expect(blobsOf('fn').get(blob.digest)).toEqual(bytes);
  });

  test('is copied from another registry, by way of where that one keeps its blobs', async () => {
    const storage = await registryServer();
    other = await registryServer({ auth: 'bearer', redirectsBlobsTo: `http://${storage.host}` });
    const large = randomBytes(10 * MIB);
    const blob = addLayer(other, 'base/node', large);
    addLayer(storage, 'base/node', large);
    expect(await registry.takeBlob(at('fn'), blob, `${other.host}/base/node`)).toBe(true);
    expect(blobsOf('fn').get(blob.digest)?.equals(large)).toBe(true);
    expect(other.requests.at(-1)?.headers.authorization).toMatch(/^Bearer /);
    expect(storage.requests.at(-1)?.headers.authorization).toBeUndefined();
    await storage.close();
  });

  test('whose copying breaks off is copied again', async () => {
    other = await registryServer();
    const blob = addLayer(other, 'base/node', bytes);
    let once = true;
    other.rules = {
      disturb: ({ url }, response) => {
        if (!url?.includes('/blobs/') || !once) {
          return false;
        }
        once = false;
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 10), () => response.destroy());
        return true;
      },
    };
    expect(await registry.takeBlob(at('fn'), blob, `${other.host}/base/node`)).toBe(true);
    expect(blobsOf('fn').get(blob.digest)).toEqual(bytes);
  });

  test('that is spoilt is not taken', async () => {
    server.rules = { mountsNothing: true };
    const blob = addLayer(server, 'base/node', bytes);
    server.repository('base/node').blobs.set(blob.digest, randomBytes(2000));
    await expect(registry.takeBlob(at('fn'), blob, at('base/node'))).rejects.toEqual(
      failing('PermanentError', 'Refused', blob.digest, 'spoilt'),
    );
    expect(server.uploads.size).toBe(0);
    expect(blobsOf('fn').size).toBe(0);
  });

  test('that is lost is told, and its image forgotten', async () => {
    const { digest, manifest } = addImage(server, 'base/node', '24');
    expect(await registry.readImage(at('base/node'), digest)).toBeDefined();
    const { blobs, manifests } = server.repository('base/node');
    blobs.clear();
    manifests.clear();
    const [layer] = manifest.layers as [Manifest['layers'][0]];
    expect(await registry.takeBlob(at('fn'), layer, at('base/node'))).toBe(false);
    expect(await registry.takeBlob(at('base/node'), layer, at('base/node'))).toBe(false);
    expect(server.uploads.size).toBe(0);
    expect(await registry.readImage(at('base/node'), digest)).toBeUndefined();
  });
});

describe('a manifest', () => {
  test.each([
    ['OCI', OCI],
    ['Docker', DOCKER],
  ])('of %s has the same digest, however its object was made', async (_family, types) => {
    const { manifest } = addImage(server, 'fn', 'base', { types });
    const { config, layers, mediaType } = manifest;
    const backwards: Manifest = {
      layers: layers.map(({ size, digest, mediaType }) => ({ size, digest, mediaType })),
      config: { size: config.size, digest: config.digest, mediaType: config.mediaType },
      mediaType,
      schemaVersion: 2,
      annotations: { b: '1', a: '2' },
    };
    const { digest } = await registry.pushManifest(at('fn'), 'one', { ...manifest, annotations: { a: '2', b: '1' } });
    expect(await registry.pushManifest(at('fn'), 'two', backwards)).toEqual({ digest });
    const { bytes } = server.repository('fn').manifests.get(digest) ?? {};
    expect(digestOf(bytes as Buffer)).toBe(digest);
    expect(bytes?.toString()).toMatch(
      /^\{"schemaVersion":2,"mediaType":"[^"]+","config":\{"mediaType":"[^"]+","digest":"[^"]+","size":\d+\},"layers":\[\{"mediaType"/,
    );
    expect(await registry.readImage(at('fn'), 'two')).toMatchObject({ digest });
  });

  test('under a tag that stays is fine where it is the same, and else refused', async () => {
    const { manifest } = addImage(server, 'fn', 'base');
    server.rules = { hasImmutableTags: true };
    const first = await registry.pushManifest(at('fn'), 'one', manifest);
    expect(await registry.pushManifest(at('fn'), 'one', manifest)).toEqual(first);
    await expect(registry.pushManifest(at('fn'), 'one', { ...manifest, annotations: { a: 'b' } })).rejects.toEqual(
      failing('PermanentError', 'Refused', `${server.host}/fn:one`, 'TAG_INVALID', 'cannot be overwritten'),
    );
  });

  test('that may not be written says why', async () => {
    const { manifest } = addImage(server, 'fn', 'base');
    server.rules = {
      disturb: (_request, response) => {
        response.writeHead(403).end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'no push for you' }] }));
        return true;
      },
    };
    await expect(registry.pushManifest(at('fn'), 'one', manifest)).rejects.toEqual(
      failing('PermanentError', 'Forbidden', 'DENIED: no push for you'),
    );
  });

  test('of which the registry makes another is no success', async () => {
    const { manifest } = addImage(server, 'fn', 'base');
    server.rules = {
      disturb: ({ method }, response) => {
        const isPut = method === 'PUT';
        if (isPut) {
          response.writeHead(201, { 'docker-content-digest': digestOf(Buffer.from('another')) }).end();
        }
        return isPut;
      },
    };
    await expect(registry.pushManifest(at('fn'), 'one', manifest)).rejects.toEqual(
      failing('PermanentError', 'Refused', digestOf(Buffer.from('another'))),
    );
  });

  test('whose blob the registry has lost may be pushed later', async () => {
    const { manifest } = addImage(server, 'fn', 'base');
    blobsOf('fn').delete(manifest.config.digest);
    await expect(registry.pushManifest(at('fn'), 'one', manifest)).rejects.toEqual(
      failing('RetryableError', 'Unavailable', 'MANIFEST_BLOB_UNKNOWN', manifest.config.digest),
    );
  });

  test('of two families is refused by the registry', async () => {
    const { manifest } = addImage(server, 'fn', 'base');
    const [layer] = manifest.layers as [Manifest['layers'][0]];
    const mixed = { ...manifest, layers: [{ ...layer, mediaType: DOCKER.layer }] };
    await expect(registry.pushManifest(at('fn'), 'one', mixed)).rejects.toEqual(
      failing('PermanentError', 'Refused', 'MANIFEST_INVALID', DOCKER.layer),
    );
  });

  test('of which only the answer was lost is there', async () => {
    const { manifest } = addImage(server, 'fn', 'base');
    losesFirst('PUT');
    const { digest } = await registry.pushManifest(at('fn'), 'one', manifest);
    expect(server.repository('fn').tags.get('one')).toBe(digest);
  });
});
