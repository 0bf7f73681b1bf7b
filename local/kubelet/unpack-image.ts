/** From an image in the registry to a folder. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '#local/kaniko/remove-tree.ts';
import type { ContentStore } from '#local/registry/content-store.ts';
import type { FoundImage } from '#local/registry/find-image.ts';
import { applyLayer } from './apply-layer.ts';
import { linkTree } from './link-tree.ts';

interface Unpackable {
  file: string;
  diffId: string;
  mediaType: string;
  /** Names this layer on those below it in this repository. */
  chain: string;
}

const UNFINISHED = '.unpacking-';

/**
 * What lies below an image's last layer is kept: `<images>/chains/<hex>/`. A change of the code is a new last layer on
 * the same ones below, so it costs the names of what is below and no more. Each repository has its own: the versions of
 * a function may have the same files by hard links, and two functions never do.
 */
export class ImageUnpacker {
  readonly #contents: ContentStore;
  readonly #images: string;
  readonly #chains: string;

  constructor(contents: ContentStore, images: string) {
    this.#contents = contents;
    this.#images = images;
    this.#chains = join(images, 'chains');
  }

  removeUnfinished(): void {
    mkdirSync(this.#images, { recursive: true });
    for (const name of readdirSync(this.#images).filter((one) => one.startsWith(UNFINISHED))) {
      removeTree(join(this.#images, name));
    }
  }

  /** A new folder, which is the caller's. Throws an Error, which says why the image cannot be unpacked. */
  async unpack(repository: string, { layers, config }: FoundImage): Promise<string> {
    const { diff_ids: diffIds } = config.rootfs;
    if (diffIds.length !== layers.length) {
      throw new Error(`the image has ${layers.length} layers, and its configuration says ${diffIds.length}`);
    }
    let chain = createHash('sha256').update(repository).digest('hex');
    const unpackable = layers.map(({ digest, mediaType }, index): Unpackable => {
      const diffId = diffIds[index] ?? '';
      chain = createHash('sha256').update(`${chain} ${diffId}`).digest('hex');
      return { file: this.#contents.path(digest), diffId, mediaType, chain };
    });
    const below = unpackable.slice(0, -1);
    const lower = below.at(-1);
    if (lower !== undefined && !existsSync(this.#folder(lower))) {
      await this.#keep(lower, await this.#over(below.slice(0, -1), below));
    }
    return await this.#over(below, unpackable);
  }

  /** `all` on what is kept of those below. */
  async #over(below: readonly Unpackable[], all: readonly Unpackable[]): Promise<string> {
    mkdirSync(this.#images, { recursive: true });
    const folder = join(mkdtempSync(join(this.#images, UNFINISHED)), 'rootfs');
    const known = below.findLastIndex((layer) => existsSync(this.#folder(layer)));
    const start = all[known];
    try {
      if (start === undefined) {
        mkdirSync(folder);
      } else {
        await linkTree(this.#folder(start), folder);
      }
      for (const { file, diffId, mediaType } of all.slice(known + 1)) {
        await applyLayer(file, mediaType, diffId, folder);
      }
      return folder;
    } catch (error) {
      removeTree(join(folder, '..'));
      throw error;
    }
  }

  async #keep(layer: Unpackable, folder: string): Promise<void> {
    mkdirSync(this.#chains, { recursive: true });
    try {
      renameSync(folder, this.#folder(layer));
    } catch (error) {
      // Another image had the same layers.
      if (!existsSync(this.#folder(layer))) {
        throw error;
      }
    } finally {
      removeTree(join(folder, '..'));
    }
  }

  #folder({ chain }: Unpackable): string {
    return join(this.#chains, chain);
  }
}
