/** The images of the node: folders, unpacked from what the registry has. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { removeTree } from '#local/kaniko/remove-tree.ts';
import { ContentStore } from '#local/registry/content-store.ts';
import { type FoundImage, findImage } from '#local/registry/find-image.ts';
import { type ImageConfig, imageConfig } from '#local/registry/oci-image.ts';
import { type ImageReference, parseImageReference } from './image-reference.ts';
import { ImageUnpacker } from './unpack-image.ts';

export interface Image extends ImageConfig {
  /** Folder that stands for `/`. */
  rootfs: string;
  /** `sha256:…`; empty for one that is built in. */
  digest: string;
}

/** An image nobody built: part of the platform. */
export interface BuiltInImage {
  /** Folders of this machine by their absolute path in the image: `{'/app': '/home/me/project/dist'}`. */
  folders?: Record<string, string>;
  workingDir?: string;
  entrypoint?: string[];
  cmd?: string[];
  env?: Record<string, string>;
}

/**
 * `<directory>/images/<hex>/{config.json,rootfs/}`, where hex is the digest of the manifest; the registry says which
 * repository has it.
 *
 * Images of versions before the registry have a digest of their folder, and for each repository a folder
 * `<directory>/images/tags/<repository>/` with a file for each tag and each digest. Functions of that time still run.
 */
export class ImageStore {
  readonly #directory: string;
  readonly #contents: ContentStore;
  readonly #unpacker: ImageUnpacker;
  readonly #builtIn = new Map<string, Image>();
  /** By digest: several pods may ask at once. */
  readonly #unpacking = new Map<string, Promise<void>>();

  /** `directory` is the platform's, as for the builds that write here. */
  constructor(directory: string) {
    this.#directory = join(resolve(directory), 'images');
    this.#contents = new ContentStore(directory);
    this.#unpacker = new ImageUnpacker(this.#contents, this.#directory);
  }

  /** What a former process was unpacking when it ended. */
  removeUnfinished(): void {
    this.#unpacker.removeUnfinished();
  }

  /** The name is matched as it is written in a pod. */
  register(name: string, image: BuiltInImage): void {
    const rootfs = join(this.#directory, 'built-in', encodeURIComponent(name));
    rmSync(rootfs, { recursive: true, force: true });
    mkdirSync(rootfs, { recursive: true });
    for (const [path, folder] of Object.entries(image.folders ?? {})) {
      const link = join(rootfs, path);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(resolve(folder), link);
    }
    this.#builtIn.set(name, {
      rootfs,
      base: 'node',
      workingDir: image.workingDir ?? '/',
      entrypoint: image.entrypoint ?? [],
      cmd: image.cmd ?? [],
      env: image.env ?? {},
      digest: '',
    });
  }

  /**
   * Undefined where there is no such image, as a registry answers for one that was never pushed to that repository.
   * Throws an Error where it cannot be unpacked.
   */
  async resolve(reference: string): Promise<Image | undefined> {
    const builtIn = this.#builtIn.get(reference);
    if (builtIn !== undefined) {
      return builtIn;
    }
    const parsed = parseImageReference(reference);
    if (parsed === undefined) {
      return undefined;
    }
    const { repository, tag = 'latest', digest } = parsed;
    const found = findImage(this.#contents, repository, digest === undefined ? tag : `sha256:${digest}`);
    if (found === undefined) {
      return await this.#older(parsed);
    }
    const hex = found.digest.replace('sha256:', '');
    const image = await this.#unpacked(hex);
    if (image !== undefined) {
      return image;
    }
    const underWay = this.#unpacking.get(hex) ?? this.#unpack(hex, repository, found);
    this.#unpacking.set(hex, underWay);
    try {
      await underWay;
    } finally {
      this.#unpacking.delete(hex);
    }
    return await this.#unpacked(hex);
  }

  async #unpack(hex: string, repository: string, found: FoundImage): Promise<void> {
    const rootfs = await this.#unpacker.unpack(repository, found);
    await this.add(hex, imageConfig(found.config), rootfs);
    removeTree(dirname(rootfs));
  }

  async #older({ repository, tag = 'latest', digest }: ImageReference): Promise<Image | undefined> {
    const name = digest === undefined ? tag : `sha256-${digest}`;
    const file = join(this.#directory, 'tags', encodeURIComponent(repository), name);
    const hex = await readFile(file, 'utf8').catch(() => undefined);
    return hex === undefined ? undefined : await this.#unpacked(hex);
  }

  async #unpacked(hex: string): Promise<Image | undefined> {
    const folder = join(this.#directory, hex);
    const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => undefined);
    if (text === undefined) {
      return undefined;
    }
    const config = JSON.parse(text) as ImageConfig;
    return { ...config, rootfs: join(folder, 'rootfs'), digest: `sha256:${hex}` };
  }

  /** Moves a finished root file system into the store. The same digest again changes nothing. */
  async add(hex: string, config: ImageConfig, rootfs: string): Promise<void> {
    const folder = join(this.#directory, hex);
    if (existsSync(folder)) {
      return;
    }
    const temporary = join(this.#directory, `.${hex}.${process.pid}`);
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await writeFile(join(temporary, 'config.json'), JSON.stringify(config, undefined, 2));
    await rename(rootfs, join(temporary, 'rootfs'));
    try {
      await rename(temporary, folder);
    } catch (error) {
      // Another build of the same content was first.
      await rm(temporary, { recursive: true, force: true });
      if (!existsSync(folder)) {
        throw error;
      }
    }
  }
}
