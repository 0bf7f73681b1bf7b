/** Where the platform keeps its state: nothing of a project may lie above it. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { removeTree } from '#local/kaniko/remove-tree.ts';
import { lockDirectory } from './lock-directory.ts';

/** What languages and their tools look for in the folders above a program. */
const SEEN_FROM_BELOW =
  'package.json node_modules tsconfig.json pnpm-workspace.yaml yarn.lock .yarnrc.yml .pnp.cjs pyproject.toml uv.toml go.mod go.work Cargo.toml rust-toolchain.toml .git'.split(
    ' ',
  );

/** Folders of the user that outlive a restart of the machine. */
const ROOTS = [join(homedir(), '.cache'), join('/var/tmp', userInfo().username)];

export interface StateDirectory {
  /** Without links. */
  path: string;
  /** A file or folder that programs in it may take for theirs, where no place without one was found. */
  seen: string | undefined;
}

/**
 * Images are folders, and pods and builds run in them as processes of this machine. Below a project they would find its
 * package.json (and so take CommonJS for ESM), its node_modules (and so find packages that they never declared), its
 * go.work and the like: what works on a laptop would fail on a cluster, and the other way round. No file put in between
 * stops all of these lookups; another place does.
 *
 * So a directory below a project becomes a link to a folder of the user's cache. The folder belongs to the link:
 * without the link it is emptied. `roots` are where such a folder may be; the first one that is suitable is taken.
 */
export function stateDirectory(asked: string, roots = ROOTS): StateDirectory {
  const directory = resolve(asked);
  mkdirSync(dirname(directory), { recursive: true });
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) {
    const target = resolve(dirname(directory), readlinkSync(directory));
    mkdirSync(target, { recursive: true });
    return { path: realpathSync(target), seen: seenFrom(target) };
  }
  if (seenFrom(directory) === undefined) {
    mkdirSync(directory, { recursive: true });
    return { path: realpathSync(directory), seen: undefined };
  }
  const root = roots.find((candidate) => isWritable(candidate) && seenFrom(join(candidate, 'x')) === undefined);
  const path = join(root ?? roots[0] ?? '', 'knative-lambda', nameOf(directory));
  if (stat !== undefined) {
    throw new Error(
      `${directory} is below a project, where images would see the project's files: remove it (make clean)`,
    );
  }
  if (existsSync(path)) {
    // A platform may still run in it, whose link somebody has deleted.
    lockDirectory(path)();
    removeTree(path);
  }
  mkdirSync(path, { recursive: true });
  symlinkSync(path, directory);
  return { path: realpathSync(path), seen: seenFrom(path) };
}

/** The nearest file or folder above a directory that a program in it would find. */
function seenFrom(directory: string): string | undefined {
  let folder = realpathSync(dirname(directory));
  for (;;) {
    const found = SEEN_FROM_BELOW.map((name) => join(folder, name)).find((file) => existsSync(file));
    if (found !== undefined || folder === dirname(folder)) {
      return found;
    }
    folder = dirname(folder);
  }
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'knative-lambda'), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** The same for the same project, and readable. */
function nameOf(directory: string): string {
  const path = join(realpathSync(dirname(directory)), basename(directory));
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 12);
  return `${basename(dirname(path)).replace(/[^\w.-]/g, '_')}-${hash}`;
}
