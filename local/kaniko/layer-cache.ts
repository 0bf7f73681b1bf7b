/** Root file systems after expensive steps, kept for the next build. */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Layer } from '#local/registry/oci-image.ts';
import { copyTree } from './copy-tree.ts';
import { removeTree } from './remove-tree.ts';

const LIMIT = 50;
/** Nobody works that long on one layer: what is older was left behind by a crash. */
const STALE_MS = 3_600_000;

/**
 * `<directory>/layers/<repository>/<key>/rootfs/`, with the image's layers up to there in `layers.json`. Each
 * --cache-repo has its own: what one tenant's build leaves is never used for another's. Builds run side by side: a
 * layer appears by rename, complete or not at all, and goes by rename before it is removed.
 */
export class LayerCache {
  readonly #root: string;
  readonly #folder: string;
  readonly #limit: number;

  constructor(directory: string, repository: string, limit = LIMIT) {
    this.#root = join(directory, 'layers');
    this.#folder = join(this.#root, createHash('sha256').update(repository).digest('hex').slice(0, 32));
    this.#limit = limit;
  }

  has(key: string): boolean {
    return statSync(join(this.#folder, key), { throwIfNoEntry: false }) !== undefined;
  }

  /** False where the layer is gone, also where another build removes it meanwhile; then `rootfs` is removed too. */
  restore(key: string, rootfs: string): boolean {
    const layer = join(this.#folder, key);
    try {
      const now = new Date();
      utimesSync(layer, now, now);
      copyTree(join(layer, 'rootfs'), rootfs);
      // Removed by another build while it was copied: perhaps only in part.
      if (this.has(key)) {
        return true;
      }
    } catch {}
    removeTree(rootfs);
    return false;
  }

  /** None where nobody has saved them. */
  layersOf(key: string): Layer[] {
    try {
      return JSON.parse(readFileSync(join(this.#folder, key, 'layers.json'), 'utf8'));
    } catch {
      return [];
    }
  }

  remove(key: string): void {
    discard(join(this.#folder, key), 'lost');
  }

  save(key: string, rootfs: string, layers: readonly Layer[] = []): void {
    if (this.has(key)) {
      return;
    }
    const temporary = join(this.#folder, `.${key}.${process.pid}`);
    removeTree(temporary);
    mkdirSync(temporary, { recursive: true });
    copyTree(rootfs, join(temporary, 'rootfs'));
    writeFileSync(join(temporary, 'layers.json'), JSON.stringify(layers));
    try {
      renameSync(temporary, join(this.#folder, key));
    } catch {
      // Another build made the same layer first.
      removeTree(temporary);
    }
    this.#prune();
  }

  /** Over all repositories: those used longest ago go first. */
  #prune(): void {
    const layers: { path: string; usedAt: number }[] = [];
    for (const path of list(this.#root).flatMap(list)) {
      const usedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (!basename(path).startsWith('.')) {
        layers.push({ path, usedAt });
      } else if (Date.now() - usedAt > STALE_MS) {
        removeTree(path);
      }
    }
    layers.sort((a, b) => b.usedAt - a.usedAt);
    for (const [index, { path }] of layers.slice(this.#limit).entries()) {
      discard(path, String(index));
    }
  }
}

/** `name` is for the folder in between. */
function discard(path: string, name: string): void {
  const trash = join(path, '..', `.removed.${process.pid}.${name}`);
  try {
    renameSync(path, trash);
    removeTree(trash);
  } catch {
    // Another build removed it.
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
