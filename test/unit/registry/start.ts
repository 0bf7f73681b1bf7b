/** A registry in a folder of its own, asked by HTTP. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { startRegistry } from '#local/registry/start-registry.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export const sha256 = (content: Buffer | string) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

export interface Entry {
  name: string;
  type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device';
  content?: string;
  linkname?: string;
  mode?: number;
}

/** A tar, uncompressed. */
export async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, type = 'file', content = '', linkname, mode = 0o644 } of entries) {
    const header = { name, type, mode, mtime: new Date(0), ...(linkname === undefined ? {} : { linkname }) };
    tar.entry(header, type === 'file' ? content : '');
  }
  tar.finalize();
  return await buffer(tar as unknown as AsyncIterable<Buffer>);
}

export class TestRegistry {
  readonly directory = mkdtempSync(join(tmpdir(), 'registry-'));
  #server: Awaited<ReturnType<typeof startRegistry>> | undefined;

  get url(): string {
    return this.#server?.url ?? '';
  }

  async start(): Promise<void> {
    this.#server = await startRegistry({ directory: this.directory });
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  ask(method: string, path: string, init: { body?: Buffer | string; headers?: Record<string, string> } = {}) {
    return fetch(`${this.url}${path}`, { method, ...init } as RequestInit);
  }

  async pushBlob(name: string, content: Buffer | string) {
    const digest = sha256(content);
    const begun = await this.ask('POST', `/v2/${name}/blobs/uploads/`);
    const answer = await this.ask('PUT', `${begun.headers.get('location')}?digest=${digest}`, { body: content });
    if (answer.status !== 201) {
      throw new Error(await answer.text());
    }
    return { digest, size: Buffer.byteLength(content) };
  }

  /** Of these layers' entries. The digest. */
  async pushImage(
    name: string,
    layers: Entry[][],
    change: { diffIds?: string[]; config?: object } = {},
  ): Promise<string> {
    const tars = await Promise.all(layers.map(tarOf));
    const config = {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Cmd: ['node'], WorkingDir: '/app', Labels: { 'knative-lambda/base-kind': 'node' }, ...change.config },
      rootfs: { type: 'layers', diff_ids: change.diffIds ?? tars.map(sha256) },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, ...(await this.pushBlob(name, JSON.stringify(config))) },
      layers: [] as object[],
    };
    for (const tar of tars) {
      manifest.layers.push({ mediaType: OCI_LAYER, ...(await this.pushBlob(name, gzipSync(tar))) });
    }
    return await this.pushManifest(name, 'v1', manifest);
  }

  async pushManifest(name: string, tag: string, manifest: object): Promise<string> {
    const answer = await this.putManifest(name, tag, manifest);
    if (answer.status !== 201) {
      throw new Error(await answer.text());
    }
    return answer.headers.get('docker-content-digest') ?? '';
  }

  putManifest(name: string, tag: string, manifest: object | string, contentType = OCI_MANIFEST) {
    const body = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    return this.ask('PUT', `/v2/${name}/manifests/${tag}`, { body, headers: { 'content-type': contentType } });
  }
}
