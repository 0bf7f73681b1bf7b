/** Copies of folders: for COPY between stages, and for layers that are kept. */
import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Merges `from` into `to`, which may exist: files replace files, links are copied as they are written. Modes and times
 * are kept (a Python cache is only valid with its source's time). Copy-on-write where the file system can.
 */
export function copyTree(from: string, to: string, skip: (path: string) => boolean = () => false): void {
  const stat = lstatSync(from);
  if (stat.isDirectory()) {
    const there = lstatSync(to, { throwIfNoEntry: false });
    if (there !== undefined && !there.isDirectory()) {
      rmSync(to);
    }
    mkdirSync(to, { recursive: true });
    // Writable while it is filled: Go's module cache is made of read-only folders.
    chmodSync(to, 0o700);
    for (const name of readdirSync(from)) {
      const child = join(from, name);
      if (!skip(child)) {
        copyTree(child, join(to, name), skip);
      }
    }
    chmodSync(to, stat.mode & 0o7777);
    return;
  }
  if (!stat.isSymbolicLink() && !stat.isFile()) {
    return;
  }
  rmSync(to, { recursive: true, force: true });
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    return;
  }
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, stat.mode & 0o7777);
  utimesSync(to, stat.atime, stat.mtime);
}
