/** Reads what a folder's function is made of: each file with its size and hash. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { Failure } from '#cli/kn-lambda/failure.ts';
import type { Ignores } from '#shared/folder/left-out.ts';
import { ignoresIn } from './ignored.ts';

export interface SourceFile {
  /** From the folder, with "/". */
  path: string;
  absolute: string;
  size: number;
  /** 64 hex digits. */
  sha256: string;
}

export interface Source {
  files: SourceFile[];
  bytes: number;
  /** Paths that are not uploaded; a folder's ends in "/". */
  leftOut: string[];
}

/** Hashes of files that have not changed since they were read, for the next round of --watch. */
export type HashCache = Map<string, { stamp: string; sha256: string }>;

/** As the platform takes at most. */
const MOST_FILES = 10_000;

export function readSource(folder: string, cache: HashCache = new Map()): Source {
  const root = realRoot(folder);
  const walked: Walked = { files: [], leftOut: [] };
  walk(root, '', ignoresIn(root), walked);
  if (walked.files.length === 0) {
    throw new Failure(`there is nothing to upload in ${folder}`, {
      next: 'Write a function there, or begin with one that runs: kn-lambda init NAME.',
    });
  }
  const files = walked.files.map((path) => hashed(root, path, cache));
  return { files, bytes: files.reduce((sum, { size }) => sum + size, 0), leftOut: walked.leftOut };
}

interface Walked {
  files: string[];
  leftOut: string[];
}

function realRoot(folder: string): string {
  try {
    const root = realpathSync(folder);
    if (statSync(root).isDirectory()) {
      return root;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new Failure(`${folder} cannot be read: ${(error as Error).message}`, { next: 'Name another folder.' });
    }
    throw new Failure(`there is no folder ${folder}`, {
      next: `Make it, with a function that runs: kn-lambda init ${folder}`,
    });
  }
  throw new Failure(`${folder} is a file`, { next: 'Name the folder that it lies in.' });
}

/** In the order of the paths' characters, so that the same folder is always the same list. */
function walk(root: string, below: string, ignores: Ignores, walked: Walked): void {
  const entries = readdirSync(join(root, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = `${below}${entry.name}`;
    const isFolder = entry.isDirectory();
    if (ignores(isFolder ? `${path}/` : path)) {
      walked.leftOut.push(isFolder ? `${path}/` : path);
    } else if (isFolder) {
      walk(root, `${path}/`, ignores, walked);
    } else if (isFileOf(root, path, entry)) {
      walked.files.push(path);
    } else {
      walked.leftOut.push(path);
    }
    if (walked.files.length > MOST_FILES) {
      throw new Failure(`${root} has more than ${MOST_FILES} files`, {
        next: 'Name in its .gitignore what the function does not need, or name the folder of the function alone.',
      });
    }
  }
}

/** S3 has no links: one to a file of the folder is uploaded as that file, one that leads elsewhere is not. */
function isFileOf(root: string, path: string, entry: Dirent): boolean {
  if (entry.isFile()) {
    return true;
  }
  if (!entry.isSymbolicLink()) {
    return false;
  }
  try {
    const target = realpathSync(join(root, path));
    return target.startsWith(root + sep) && statSync(target).isFile();
  } catch {
    return false;
  }
}

function hashed(root: string, path: string, cache: HashCache): SourceFile {
  const absolute = join(root, path);
  const { size, mtimeMs, ino } = statSync(absolute);
  const stamp = `${size} ${mtimeMs} ${ino}`;
  const known = cache.get(absolute);
  if (known?.stamp === stamp) {
    return { path, absolute, size, sha256: known.sha256 };
  }
  const bytes = readFileSync(absolute);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  cache.set(absolute, { stamp, sha256 });
  return { path, absolute, size: bytes.length, sha256 };
}
