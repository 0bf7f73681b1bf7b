/** A copy of a folder that costs no more than its names. */
import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** Requests are answered in between. */
const FILES_A_TURN = 200;

/**
 * `to` is new. Files share their content copy-on-write where the file system can. Elsewhere they are hard links: both
 * folders have the same files, so they must be replaced and never be written to. Folders are never shared.
 */
export async function linkTree(from: string, to: string): Promise<void> {
  let left = FILES_A_TURN;
  let canClone = true;
  const copy = async (source: string, target: string): Promise<void> => {
    mkdirSync(target);
    for (const entry of readdirSync(source, { withFileTypes: true })) {
      const file = join(source, entry.name);
      const copied = join(target, entry.name);
      if (entry.isDirectory()) {
        await copy(file, copied);
        continue;
      }
      if (entry.isSymbolicLink()) {
        symlinkSync(readlinkSync(file), copied);
      } else {
        canClone &&= clone(file, copied);
        if (!canClone) {
          link(file, copied);
        }
      }
      left -= 1;
      if (left === 0) {
        left = FILES_A_TURN;
        await turn();
      }
    }
    chmodSync(target, lstatSync(source).mode & 0o7777);
  };
  await copy(from, to);
}

/** False where the file system cannot. */
function clone(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    return false;
  }
  keepAttributes(from, to);
  return true;
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    // EMLINK: a file may have so many names and no more (65,000 on ext4).
    if ((error as NodeJS.ErrnoException).code !== 'EMLINK') {
      throw error;
    }
    copyFileSync(from, to);
    keepAttributes(from, to);
  }
}

function keepAttributes(from: string, to: string): void {
  const { mode, atime, mtime } = lstatSync(from);
  chmodSync(to, mode & 0o7777);
  utimesSync(to, atime, mtime);
}
