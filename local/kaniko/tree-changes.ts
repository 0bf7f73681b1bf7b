/** Which files a step has added, changed or deleted, told by what the file system says of them. */
import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** By path within the tree. The value is another one once the file has changed. */
export type TreeState = ReadonlyMap<string, string>;

export interface TreeChanges {
  /** Parents before what is in them. */
  written: string[];
  /** Of a folder that is gone only itself. */
  deleted: string[];
}

/**
 * Contents are not read. A change of the content alone changes a file's ctime, which no program can set. Nothing but
 * files, folders and links is looked at, since nothing else gets into an image.
 */
export function treeState(root: string): TreeState {
  const state = new Map<string, string>();
  const walk = (folder: string, prefix: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = prefix + entry.name;
      const file = join(folder, entry.name);
      const value = stateOf(file, entry);
      if (value !== undefined) {
        state.set(path, value);
      }
      if (entry.isDirectory()) {
        walk(file, `${path}/`);
      }
    }
  };
  walk(root, '');
  return state;
}

function stateOf(file: string, entry: Dirent): string | undefined {
  if (entry.isSymbolicLink()) {
    return `l ${readlinkSync(file)}`;
  }
  if (!entry.isFile() && !entry.isDirectory()) {
    return undefined;
  }
  const { mode, size, mtimeMs, ctimeMs, ino } = lstatSync(file);
  return entry.isDirectory() ? `d ${mode}` : `f ${mode} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
}

export function treeChanges(before: TreeState, after: TreeState): TreeChanges {
  const written = [...after].filter(([path, value]) => before.get(path) !== value).map(([path]) => path);
  // What lay in a folder that is gone, or that something else has replaced, goes with it.
  const goesWithParent = (path: string) => {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    return parent !== '' && !after.get(parent)?.startsWith('d');
  };
  const deleted = [...before.keys()].filter((path) => !after.has(path) && !goesWithParent(path));
  return { written: written.sort(), deleted: deleted.sort() };
}
