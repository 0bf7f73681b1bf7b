/** Root file systems after expensive steps, kept for the next build. */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { copyTree } from './copy-tree.ts';
import { removeTree } from './remove-tree.ts';

const LIMIT = 50;
/** Nobody works that long on one layer: what is older was left behind by a crash. */
const STALE_MS = 3_600_000;

/**
 * `<directory>/layers/<repository>/<key>/rootfs/`. Each --cache-repo has its own: what one tenant's build leaves is
 * never used for another's. Builds run side by side: a layer appears by rename, complete or not at all, and goes by
 * rename before it is removed.
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

  save(key: string, rootfs: string): void {
    if (this.has(key)) {
      return;
    }
    const temporary = join(this.#folder, `.${key}.${process.pid}`);
    removeTree(temporary);
    mkdirSync(temporary, { recursive: true });
    copyTree(rootfs, join(temporary, 'rootfs'));
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
      const trash = join(path, '..', `.removed.${process.pid}.${index}`);
      try {
        renameSync(path, trash);
        removeTree(trash);
      } catch {
        // Another build removed it.
      }
    }
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
