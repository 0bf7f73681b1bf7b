/** Puts a finished root file system into the platform's store, under its destinations. */
import { createHash } from 'node:crypto';
import { parseImageReference } from '#local/kubelet/image-reference.ts';
import type { ImageStore } from '#local/kubelet/images.ts';
import { BuildError } from './build-error.ts';
import { hashTree } from './hash-tree.ts';
import { imageConfig, type StageConfig } from './stage-config.ts';

export interface Destination {
  repository: string;
  tag: string;
}

/** Throws BuildError. */
export function parseDestination(text: string): Destination {
  const reference = parseImageReference(text);
  if (reference === undefined || reference.tag === undefined || reference.digest !== undefined) {
    throw new BuildError(`getting tag for destination: could not parse reference: ${text}`);
  }
  return { repository: reference.repository, tag: reference.tag };
}

/** The digest in hex: the same content and configuration, the same digest. */
export function digestOf(rootfs: string, config: StageConfig): string {
  return createHash('sha256')
    .update(JSON.stringify(imageConfig(config), sortedKeys))
    .update(hashTree(rootfs))
    .digest('hex');
}

/** The folder is moved: it is the store's afterwards. */
export async function pushImage(
  images: ImageStore,
  hex: string,
  config: StageConfig,
  rootfs: string,
  destinations: readonly Destination[],
): Promise<void> {
  await images.add(hex, imageConfig(config), rootfs);
  for (const { repository, tag } of destinations) {
    await images.tag(repository, tag, hex);
  }
}

function sortedKeys(_: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
