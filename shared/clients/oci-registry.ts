/**
 * A registry of OCI images, as far as images are put together here. The adapter is oci-client.ts.
 *
 * A `repository` is written as in an image's name: `host[:port]/path`. A digest is `sha256:` and 64 hex digits. All
 * functions throw RetryableError('Unavailable' | 'Throttled') where the registry may answer later, and
 * PermanentError('Forbidden' | 'Refused') where it never will.
 */
import type { Readable } from 'node:stream';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
}

/** An OCI image manifest, or a Docker one of schema 2: their fields have the same names. */
export interface Manifest {
  schemaVersion: 2;
  mediaType: string;
  config: Descriptor;
  /** The lowest first. */
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** The config of an image: https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md. Other fields are kept. */
export interface ImageConfig {
  architecture: string;
  os: string;
  config?: {
    User?: string;
    Env?: string[];
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    WorkingDir?: string;
    Labels?: Record<string, string> | null;
    [field: string]: unknown;
  };
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: { created?: string; created_by?: string; empty_layer?: boolean; [field: string]: unknown }[];
  [field: string]: unknown;
}

export interface Image {
  /** Of the manifest. */
  digest: string;
  manifest: Manifest;
  config: ImageConfig;
}

export interface OciRegistry {
  /**
   * The image of this platform (linux, `architecture`) behind a tag or digest; undefined where there is none. Manifest
   * and config are checked against their digests. The result is frozen, since it is kept.
   */
  readImage(repository: string, reference: string): Promise<Image | undefined>;
  /**
   * Makes a blob of `from` one of `repository`: by a mount where the registry can, else by copying it. `from` may be
   * the repository itself. False where it has no such blob.
   */
  takeBlob(repository: string, blob: Descriptor, from: string): Promise<boolean>;
  /**
   * Uploads a blob, unless the repository has it. What is small is read whole first; what is large is streamed, so that
   * memory does not grow with it. `open` may be called again where an upload has to be repeated.
   */
  pushBlob(repository: string, mediaType: string, open: () => Readable): Promise<Descriptor>;
  /** The manifest last: its blobs have to be there. The same manifest under the same tag again changes nothing. */
  pushManifest(repository: string, tag: string, manifest: Manifest): Promise<{ digest: string }>;
}
