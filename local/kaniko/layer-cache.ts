/** Root file systems after expensive steps, kept for the next build. */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyTree } from './copy-tree.ts';
import { removeTree } from './remove-tree.ts';

export interface CacheLimits {
  layers: number;
  bytes: number;
}

const LIMITS: CacheLimits = { layers: 50, bytes: 5 * 1024 ** 3 };
/** Nobody works that long on one layer: what is older was left behind by a crash. */
const STALE_MS = 3_600_000;

/**
 * `<directory>/layers/<repository>/<key>/{rootfs/,layer.json}`. Each --cache-repo has its own: what one tenant's build leaves is never used
 * for another's. Builds run side by side: a layer appears by rename, complete or not at all, and goes by rename before it is removed.
 */
export class LayerCache {
  readonly #root: string;
  readonly #folder: string;
  readonly #limits: CacheLimits;

  constructor(directory: string, repository: string, limits: CacheLimits = LIMITS) {
    this.#root = join(directory, 'layers');
    this.#folder = join(this.#root, createHash('sha256').update(repository).digest('hex').slice(0, 32));
    this.#limits = limits;
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
    const bytes = copyTree(rootfs, join(temporary, 'rootfs'));
    writeFileSync(join(temporary, 'layer.json'), JSON.stringify({ bytes }));
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
    const layers: { path: string; usedAt: number; bytes: number }[] = [];
    for (const repository of readdirSync(this.#root)) {
      const folder = join(this.#root, repository);
      for (const name of list(folder)) {
        const path = join(folder, name);
        const usedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
        if (name.startsWith('.')) {
          if (Date.now() - usedAt > STALE_MS) {
            removeTree(path);
          }
        } else {
          layers.push({ path, usedAt, bytes: bytesOf(path) });
        }
      }
    }
    layers.sort((a, b) => b.usedAt - a.usedAt);
    let bytes = 0;
    for (const [index, layer] of layers.entries()) {
      bytes += layer.bytes;
      // The newest stays however large it is: the next build wants it.
      if (index === 0 || (index < this.#limits.layers && bytes <= this.#limits.bytes)) {
        continue;
      }
      const trash = join(layer.path, '..', `.removed.${process.pid}.${index}`);
      try {
        renameSync(layer.path, trash);
        removeTree(trash);
      } catch {
        // Another build removed it.
      }
    }
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function bytesOf(layer: string): number {
  try {
    return (JSON.parse(readFileSync(join(layer, 'layer.json'), 'utf8')) as { bytes: number }).bytes;
  } catch {
    return 0;
  }
}
