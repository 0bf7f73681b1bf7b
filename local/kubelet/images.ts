/** The embedded platform's registry and node cache in one: images as folders. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BaseKind } from './base-kinds.ts';
import { parseImageReference } from './image-reference.ts';

/** `config.json` of a built image: what its Dockerfile says about running it. */
export interface ImageConfig {
  base: BaseKind;
  /** Absolute within the root file system. */
  workingDir: string;
  entrypoint: string[];
  cmd: string[];
  env: Record<string, string>;
}

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
 * `<directory>/images/<hex>/{config.json,rootfs/}`, and for each repository a folder
 * `<directory>/images/tags/<repository>/` with a file for each tag and each digest pushed there. One file each,
 * replaced by rename: builds of one repository that end at the same time do not overwrite each other's.
 */
export class ImageStore {
  readonly #directory: string;
  readonly #builtIn = new Map<string, Image>();

  /** `directory` is the platform's, as for the builds that write here. */
  constructor(directory: string) {
    this.#directory = join(resolve(directory), 'images');
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

  /** Undefined where there is no such image, as a registry answers for one that was never pushed to that repository. */
  async resolve(reference: string): Promise<Image | undefined> {
    const builtIn = this.#builtIn.get(reference);
    if (builtIn !== undefined) {
      return builtIn;
    }
    const parsed = parseImageReference(reference);
    if (parsed === undefined) {
      return undefined;
    }
    const name = parsed.digest === undefined ? parsed.tag : `sha256-${parsed.digest}`;
    const hex = await readFile(join(this.#tagFolder(parsed.repository), name ?? 'latest'), 'utf8').catch(
      () => undefined,
    );
    if (hex === undefined) {
      return undefined;
    }
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

  /**
   * What a push does. A tag that exists moves, also where the real registry would refuse: a retried build must not fail
   * here.
   */
  async tag(repository: string, tag: string, hex: string): Promise<void> {
    const folder = this.#tagFolder(repository);
    await mkdir(folder, { recursive: true });
    for (const name of [tag, `sha256-${hex}`]) {
      const temporary = join(folder, `.${name}.${process.pid}`);
      await writeFile(temporary, hex);
      await rename(temporary, join(folder, name));
    }
  }

  #tagFolder(repository: string): string {
    return join(this.#directory, 'tags', encodeURIComponent(repository));
  }
}
