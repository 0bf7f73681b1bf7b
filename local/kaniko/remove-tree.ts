/** Removes a folder whatever the modes within it are. */
import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Never throws for what is not there. Read-only folders, which rm refuses to empty, are made writable first. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    makeWritable(path);
    rmSync(path, { recursive: true, force: true });
  }
}

function makeWritable(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) {
    return;
  }
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) {
    makeWritable(join(path, name));
  }
}
