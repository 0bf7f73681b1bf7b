/** The same against distribution itself, where one listens on this machine's port 5000, as a cluster's does. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createOciRegistry } from '#shared/clients/oci-client.ts';
import type { Manifest } from '#shared/clients/oci-registry.ts';
import { digestOf } from '#test/fakes/registry-server.ts';
import { OCI } from './oci-images.ts';

const MIB = 1024 * 1024;
const HOST = 'localhost:5000';

const isThere = await fetch(`http://${HOST}/v2/`, { signal: AbortSignal.timeout(2000) }).then(
  ({ status, headers }) => status === 200 && headers.has('docker-distribution-api-version'),
  () => false,
);

test.skipIf(!isThere)(`an image is put together in a registry [skipped where none listens on ${HOST}]`, async () => {
  const registry = createOciRegistry({ architecture: 'amd64' });
  const id = randomBytes(4).toString('hex');
  const below = `${HOST}/test/oci-${id}-below`;
  const above = `${HOST}/test/oci-${id}`;
  const large = randomBytes(18 * MIB);
  const small = randomBytes(1000);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [digestOf(large), digestOf(small)] },
    }),
  );
  const of = (bytes: Buffer) => () => Readable.from([bytes], { objectMode: false });

  const lower = await registry.pushBlob(below, OCI.layer, of(large));
  expect(lower).toEqual({ mediaType: OCI.layer, digest: digestOf(large), size: large.length });
  expect(await registry.takeBlob(above, lower, below)).toBe(true);
  expect(await registry.takeBlob(above, { ...lower, digest: digestOf(small) }, below)).toBe(false);
  const upper = await registry.pushBlob(above, OCI.layer, of(small));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config: await registry.pushBlob(above, OCI.config, of(config)),
    layers: [lower, upper],
  };
  const { digest } = await registry.pushManifest(above, 'one', manifest);
  expect(await registry.pushManifest(above, 'one', manifest)).toEqual({ digest });
  expect(await registry.readImage(above, 'one')).toMatchObject({ digest, manifest });
  expect(await registry.readImage(above, 'two')).toBeUndefined();

  const unknown = { ...manifest, layers: [{ ...lower, digest: digestOf(randomBytes(10)) }] };
  await expect(registry.pushManifest(above, 'three', unknown)).rejects.toMatchObject({ name: 'RetryableError' });
  registry.close();
});
