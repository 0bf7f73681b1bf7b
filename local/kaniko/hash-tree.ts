/** A digest of what a file or folder holds: names, modes, contents and links; never times or owners. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK = Buffer.allocUnsafe(256 * 1024);

/** Hex. Folders in code unit order, so that it is the same on every machine. */
export function hashTree(path: string, skip: (path: string) => boolean = () => false): string {
  const hash = createHash('sha256');
  add(hash, path, '', skip);
  return hash.digest('hex');
}

function add(hash: Hash, path: string, name: string, skip: (path: string) => boolean): void {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isDirectory()) {
    hash.update(`d ${mode} ${JSON.stringify(name)}\n`);
    for (const child of readdirSync(path).sort()) {
      const childPath = join(path, child);
      if (!skip(childPath)) {
        add(hash, childPath, `${name}/${child}`, skip);
      }
    }
  } else if (stat.isSymbolicLink()) {
    hash.update(`l ${JSON.stringify(name)} ${JSON.stringify(readlinkSync(path))}\n`);
  } else if (stat.isFile()) {
    hash.update(`f ${mode} ${JSON.stringify(name)} ${stat.size} ${hashFile(path)}\n`);
  }
}

function hashFile(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, CHUNK); read > 0; read = readSync(file, CHUNK)) {
      hash.update(CHUNK.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
