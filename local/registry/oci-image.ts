/** OCI images as JSON, and what this platform knows of them. */
import type { BaseKind } from '#local/kubelet/base-kinds.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  platform?: { os?: string; architecture?: string };
}

/** An image manifest or an index, of OCI or Docker. */
export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md */
export interface OciConfig {
  created?: string;
  architecture: string;
  os: string;
  config?: {
    User?: string;
    Env?: string[] | null;
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    WorkingDir?: string;
    Labels?: Record<string, string> | null;
  };
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: { created?: string; author?: string; created_by?: string; empty_layer?: boolean }[];
}

/** `config.json` of an unpacked image: what says how it is run. */
export interface ImageConfig {
  base: BaseKind;
  /** Absolute within the root file system. */
  workingDir: string;
  entrypoint: string[];
  cmd: string[];
  env: Record<string, string>;
  /** Kept for other registries: processes here run as whoever started the platform. */
  user?: string;
}

/** A layer with the instruction that made it; undefined for one of the base image. */
export interface Layer {
  blob: Descriptor;
  /** Of the tar before compression. */
  diffId: string;
  createdBy: string;
}

/** Times would make two images of the same content differ. */
const CREATED = '1970-01-01T00:00:00Z';
/** Which of the machine's tools stands in for the base image. It outlives layers that others put on top. */
const BASE_LABEL = 'knative-lambda/base-kind';

export function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

export function ociConfig(config: ImageConfig, layers: readonly Layer[]): OciConfig {
  const { base, workingDir, entrypoint, cmd, env, user } = config;
  return {
    created: CREATED,
    architecture: architecture(),
    os: 'linux',
    config: {
      ...(user === undefined ? {} : { User: user }),
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      Entrypoint: entrypoint,
      Cmd: cmd,
      WorkingDir: workingDir,
      Labels: { [BASE_LABEL]: base },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({ created: CREATED, author: 'kaniko', created_by: createdBy })),
  };
}

/** An image that says nothing of its base gets what a bare one has: this machine's shell. */
export function imageConfig({ config = {} }: OciConfig): ImageConfig {
  const pairs = (config.Env ?? []).map((text): [string, string] => {
    const [name = '', ...value] = text.split('=');
    return [name, value.join('=')];
  });
  return {
    base: (config.Labels?.[BASE_LABEL] ?? 'none') as BaseKind,
    workingDir: config.WorkingDir || '/',
    entrypoint: config.Entrypoint ?? [],
    cmd: config.Cmd ?? [],
    env: Object.fromEntries(pairs),
    ...(config.User ? { user: config.User } : {}),
  };
}
