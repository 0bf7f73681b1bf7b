/** Images for a registry's tests, and streams of their content. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Descriptor, Manifest } from '#shared/clients/oci-registry.ts';
import { digestOf, type RegistryServer } from '#test/fakes/registry-server.ts';

export const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};
export const DOCKER = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

export interface Added {
  digest: string;
  manifest: Manifest;
  size: number;
}

/** An image with so many layers of random bytes. */
export function addImage(
  server: RegistryServer,
  path: string,
  tag: string,
  { types = OCI, layers = 2, architecture = 'amd64', os = 'linux', config = {} } = {},
): Added {
  const descriptors = Array.from({ length: layers }, () => addLayer(server, path, randomBytes(100), types.layer));
  const diffIds = descriptors.map(({ digest }) => digest);
  const content = { architecture, os, rootfs: { type: 'layers', diff_ids: diffIds }, ...config };
  const bytes = Buffer.from(JSON.stringify(content));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: server.addBlob(path, bytes), size: bytes.length },
    layers: descriptors,
  };
  const digest = server.addManifest(path, tag, manifest, types.manifest);
  return { digest, manifest, size: JSON.stringify(manifest).length };
}

export function addLayer(server: RegistryServer, path: string, bytes: Buffer, mediaType = OCI.layer): Descriptor {
  return { mediaType, digest: server.addBlob(path, bytes), size: bytes.length };
}

export const contentOf = (bytes: Buffer) => () => Readable.from([bytes], { objectMode: false });

export const descriptorOf = (bytes: Buffer, mediaType = OCI.layer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
