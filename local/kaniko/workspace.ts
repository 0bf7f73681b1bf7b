/** A build's own folder, gone when it ends. */
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '#local/run/is-alive.ts';
import { removeTree } from './remove-tree.ts';

/** `<directory>/builds/<pid>-…`. What builds left behind that were killed is removed on the way. */
export function createWorkspace(directory: string): string {
  const root = join(directory, 'builds');
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    const pid = Number(name.split('-')[0]);
    if (!Number.isInteger(pid) || isAlive(pid)) {
      continue;
    }
    try {
      removeTree(join(root, name));
    } catch {
      // Another build removes it at the same time.
    }
  }
  return mkdtempSync(join(root, `${process.pid}-`));
}
