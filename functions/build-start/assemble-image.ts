/**
 * Puts a source's code as one layer on what lies below it, by the registry's own API: nothing of the user's runs, so no
 * Job is needed. The blobs are named by their content and the manifest comes last, so a crash in between leaves nothing
 * wrong.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { COPY_CODE, FOLDER } from '#languages/generated-files.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import {
  type Descriptor,
  DOCKER_MANIFEST,
  type Image,
  type ImageConfig,
  type Manifest,
  OCI_MANIFEST,
  type OciRegistry,
} from '#shared/clients/oci-registry.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { codeLayer } from '#shared/packing/code-layer.ts';
import { RECIPE_VERSION } from '#shared/packing/recipe-version.ts';
import type { BelowCode, RunConfig, SourceFile, SourceListing } from '#shared/packing/types.ts';
import { readDependencyImage } from '#shared/requests/dependency-image.ts';
import { imageRepository, imageTag, splitImage } from '#shared/specs/names.ts';
import type { Plan } from './plan-build.ts';

export interface Assembling {
  store: Pick<ObjectStore, 'open' | 'read'>;
  temporaryBucket: string;
  registry: OciRegistry;
  layerOf: typeof codeLayer;
  /** Where a registry has a repository only after it was made. */
  ensureRepository: ((repository: string) => Promise<void>) | undefined;
  /** IMAGE_REGISTRY. */
  imageRegistry: string;
  /** Told why a Job has to do what the registry does not allow us. */
  refused: (message: string) => void;
}

export interface AssembledSource {
  plan: Plan;
  listing: SourceListing;
  /** Those of the listing that go into the image. */
  files: SourceFile[];
  identity: Identity;
  /** dependenciesOf() it. */
  dependencies: string | undefined;
}

export interface AssembledImage {
  /** 64 hex digits. */
  buildKey: string;
  /** By digest. */
  image: string;
  /** Of the layers that were added, compressed. */
  bytes: number;
}

/** Layers that are in a repository. */
interface Below {
  repository: string;
  layers: Descriptor[];
  mediaType: string;
  config: ImageConfig;
}

/** Times would make two images of the same content differ. */
const CREATED = '1970-01-01T00:00:00Z';
const COPY_ADAPTER = 'COPY .knative-lambda .knative-lambda';
const KINDS: Record<string, { config: string; layer: string }> = {
  [OCI_MANIFEST]: {
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  [DOCKER_MANIFEST]: {
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
};

/**
 * What the dependencies of this source depend on, as 64 hex digits; undefined where it has none that a build installs
 * before the code.
 */
export function dependenciesOf(plan: Plan, listing: SourceListing, identity: Identity): string | undefined {
  if (plan.codeLayer?.below.kind !== 'installed') {
    return undefined;
  }
  const { files, below } = plan.codeLayer;
  const withCode = new Set(files.map(({ path }) => path));
  const hash = createHash('sha256');
  hash.update(JSON.stringify(['dependencies', RECIPE_VERSION, identity.third_party_id]));
  for (const { path, content } of plan.files.filter(({ path }) => !withCode.has(path))) {
    hash.update(JSON.stringify([path, createHash('sha256').update(content).digest('hex')]));
  }
  for (const { path, size, etag } of listing.files.filter(({ path }) => below.reads.includes(path))) {
    hash.update(JSON.stringify([path, size, etag]));
  }
  return hash.digest('hex');
}

/** Undefined where a Job has to build what lies below the code: nobody has, or the registry has lost it. */
export async function assembleImage(
  { plan, listing, files, identity, dependencies }: AssembledSource,
  deps: Assembling,
): Promise<AssembledImage | undefined> {
  if (plan.codeLayer === undefined) {
    return undefined;
  }
  const { registry, store, imageRegistry } = deps;
  const below = await findBelow(plan.codeLayer.below, dependencies, identity, deps);
  const kind = below && KINDS[below.mediaType];
  if (!below || !kind) {
    return undefined;
  }
  const repository = imageRepository(imageRegistry, identity);
  await deps.ensureRepository?.(repository);
  const taken = Promise.all(below.layers.map((layer) => registry.takeBlob(repository, layer, below.repository)));
  const adapter =
    plan.codeLayer.below.kind === 'base' ? [{ files: [], ours: plan.codeLayer.below.files, by: COPY_ADAPTER }] : [];
  const added = [...adapter, { files, ours: plan.codeLayer.files, by: COPY_CODE }].map(async ({ by, ...content }) => {
    const layer = deps.layerOf(store, listing, content.files, content.ours, FOLDER);
    const blob = await registry.pushBlob(repository, kind.layer, () => layer.open());
    return { by, blob, ...(await layer.done) };
  });
  const [layers, there] = await Promise.all([Promise.all(added), taken]);
  if (there.includes(false)) {
    return undefined;
  }
  const config = withLayers(below.config, layers);
  const configBlob = await registry.pushBlob(repository, kind.config, () => Readable.from([JSON.stringify(config)]));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: below.mediaType,
    config: configBlob,
    layers: [...below.layers, ...layers.map(({ blob }) => blob)],
  };
  const buildKey = createHash('sha256')
    .update(JSON.stringify(['image', RECIPE_VERSION, manifest]))
    .digest('hex');
  const { digest } = await registry.pushManifest(repository, imageTag(buildKey), manifest);
  const bytes = layers.reduce((sum, { blob }) => sum + blob.size, 0);
  return { buildKey, image: `${repository}@${digest}`, bytes };
}

async function findBelow(
  below: BelowCode,
  dependencies: string | undefined,
  { third_party_id }: Identity,
  { registry, store, temporaryBucket }: Assembling,
): Promise<Below | undefined> {
  if (below.kind === 'base') {
    const { repository, reference } = splitImage(below.image);
    const image = await registry.readImage(repository, reference);
    if (!image) {
      return undefined;
    }
    const { layers, mediaType } = image.manifest;
    return { repository, layers, mediaType, config: configuredBy(image.config, below.config) };
  }
  if (dependencies === undefined) {
    return undefined;
  }
  const kept = await readDependencyImage(store, { bucket: temporaryBucket, third_party_id, dependencies });
  if (!kept) {
    return undefined;
  }
  const { repository, reference } = splitImage(kept.image_uri);
  const image = await registry.readImage(repository, reference);
  const lower = image && belowCode(image);
  return lower && { repository, ...lower };
}

/** What lies below the layer of the code. Undefined where the image does not say which that is. */
function belowCode({ manifest, config }: Image): Omit<Below, 'repository'> | undefined {
  const history = config.history ?? [];
  const code = history.findLastIndex(({ created_by, empty_layer }) => created_by === COPY_CODE && !empty_layer);
  if (code < 0) {
    return undefined;
  }
  // Counted from above: of a base image's own layers the history may not tell.
  const above = history.slice(code).filter(({ empty_layer }) => !empty_layer);
  const count = manifest.layers.length - above.length;
  return {
    layers: manifest.layers.slice(0, count),
    mediaType: manifest.mediaType,
    config: {
      ...config,
      rootfs: { type: 'layers', diff_ids: config.rootfs.diff_ids.slice(0, count) },
      history: history.slice(0, code),
    },
  };
}

/** What the Dockerfile would say after FROM. */
function configuredBy(image: ImageConfig, { Env, ...config }: RunConfig): ImageConfig {
  const variables = [...(image.config?.Env ?? []), ...Env].map((text) => [text.split('=')[0], text] as const);
  return {
    ...image,
    config: { ...image.config, ...config, Cmd: [...config.Cmd], Env: [...new Map(variables).values()] },
  };
}

function withLayers(image: ImageConfig, layers: { diffId: string; by: string }[]): ImageConfig {
  return {
    ...image,
    created: CREATED,
    rootfs: { type: 'layers', diff_ids: [...image.rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)] },
    history: [...(image.history ?? []), ...layers.map(({ by }) => ({ created: CREATED, created_by: by }))],
  };
}
