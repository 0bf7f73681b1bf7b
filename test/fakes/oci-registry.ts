/** An OciRegistry in memory: it takes no manifest whose blobs it lacks, and no blob twice. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Descriptor, Image, ImageConfig, Manifest, OciRegistry } from '#shared/clients/oci-registry.ts';
import { RetryableError } from '#shared/events/errors.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export class InMemoryRegistry implements OciRegistry {
  /** By `repository@digest`. */
  readonly blobs = new Map<string, Buffer>();
  /** By `repository:tag` and `repository@digest`: the digest of a manifest. */
  readonly tags = new Map<string, string>();
  /** What was asked that changes something, as `method repository`. */
  readonly calls: string[] = [];

  async readImage(repository: string, reference: string): Promise<Image | undefined> {
    const digest = this.tags.get(nameOf(repository, reference));
    const text = digest && this.blobs.get(`${repository}@${digest}`);
    if (!text) {
      return undefined;
    }
    const manifest = JSON.parse(text.toString()) as Manifest;
    const config = this.blobs.get(`${repository}@${manifest.config.digest}`);
    return config && { digest, manifest, config: JSON.parse(config.toString()) as ImageConfig };
  }

  async takeBlob(repository: string, { digest }: Descriptor, from: string): Promise<boolean> {
    this.calls.push(`take ${repository}`);
    const blob = this.blobs.get(`${from}@${digest}`);
    if (blob) {
      this.blobs.set(`${repository}@${digest}`, blob);
    }
    return blob !== undefined;
  }

  async pushBlob(repository: string, mediaType: string, open: () => Readable): Promise<Descriptor> {
    this.calls.push(`push ${repository}`);
    const chunks: Buffer[] = [];
    for await (const chunk of open()) {
      chunks.push(Buffer.from(chunk));
    }
    return this.#keep(repository, mediaType, Buffer.concat(chunks));
  }

  async pushManifest(repository: string, tag: string, manifest: Manifest): Promise<{ digest: string }> {
    this.calls.push(`tag ${repository}`);
    const missing = [manifest.config, ...manifest.layers].filter(
      ({ digest }) => !this.blobs.has(`${repository}@${digest}`),
    );
    if (missing.length > 0) {
      throw new RetryableError('Unavailable', `MANIFEST_BLOB_UNKNOWN ${missing[0]?.digest}`);
    }
    const { digest } = this.#keep(repository, manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
    this.tags.set(`${repository}:${tag}`, digest);
    this.tags.set(`${repository}@${digest}`, digest);
    return { digest };
  }

  /**
   * An image whose layers have these texts; `history` says which instruction made each, and may have more that made
   * none. Returns its name by digest.
   */
  async image(
    repository: string,
    tag: string,
    layers: readonly { text: string; by: string }[],
    config: ImageConfig['config'] = {},
  ): Promise<string> {
    const blobs = layers.map(({ text }) => this.#keep(repository, LAYER, Buffer.from(text)));
    const file: ImageConfig = {
      architecture: 'amd64',
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ text }) => digestOf(Buffer.from(`diff ${text}`))) },
      history: layers.map(({ by }) => ({ created: '2026-01-01T00:00:00Z', created_by: by })),
    };
    const configBlob = this.#keep(repository, CONFIG, Buffer.from(JSON.stringify(file)));
    const manifest: Manifest = { schemaVersion: 2, mediaType: MANIFEST, config: configBlob, layers: blobs };
    const { digest } = await this.pushManifest(repository, tag, manifest);
    return `${repository}@${digest}`;
  }

  #keep(repository: string, mediaType: string, bytes: Buffer): Descriptor {
    const digest = digestOf(bytes);
    this.blobs.set(`${repository}@${digest}`, bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

function nameOf(repository: string, reference: string): string {
  return `${repository}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`;
}

export function digestOf(bytes: Buffer): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
