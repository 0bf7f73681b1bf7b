/** The build context: an archive or a folder, as files that COPY may take. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, posix, relative, resolve, sep } from 'node:path';
import { BuildError } from './build-error.ts';
import type { BuildOptions } from './flags.ts';
import { hashTree } from './hash-tree.ts';
import { parseIgnoreFile } from './ignore-file.ts';
import { unpackArchive } from './unpack-archive.ts';

export interface Source {
  /** Absolute on this machine. */
  path: string;
  /** As its name is in the folder it is copied to. */
  name: string;
}

/** Files that COPY takes from: the context, or another stage's root file system. */
export interface SourceTree {
  root: string;
  /** Of absolute paths. */
  ignored: (path: string) => boolean;
}

/** Unpacks the archive into `folder`. Throws BuildError. */
export async function openContext(options: BuildOptions, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await unpackArchive(resolve(options.context), folder);
  return realpathSync(folder);
}

export function readDockerfile(options: BuildOptions, root: string): { content: string; context: SourceTree } {
  const path = join(root, options.dockerfile);
  if (!existsSync(path)) {
    throw new BuildError(
      'error resolving dockerfile path: please provide a valid path to a Dockerfile within the build context with --dockerfile',
    );
  }
  // The one beside the Dockerfile wins, also where it is empty.
  const ignoreFile = [`${path}.dockerignore`, join(root, '.dockerignore')].find((candidate) => existsSync(candidate));
  const patterns = ignoreFile === undefined ? '' : readFileSync(ignoreFile, 'utf8');
  const matches = parseIgnoreFile(patterns);
  // With exceptions a folder that is left out may hold something that is not.
  const enters = /^[^\S\n]*!/m.test(patterns);
  const ignored = (file: string) =>
    matches(relative(root, file).split(sep).join('/')) && !(enters && lstatSync(file).isDirectory());
  return { content: readFileSync(path, 'utf8'), context: { root, ignored } };
}

/**
 * What a source of COPY names: one file or folder, or all that match a pattern. Throws BuildError where there is none.
 */
export function findSources(tree: SourceTree, text: string): Source[] {
  // As for Docker: absolute means from the root of the context, and `..` ends there.
  const path = posix.normalize(posix.join('/', text)).replace(/\/$/, '');
  const found = isGlob(path) ? expand(tree, path) : [join(tree.root, path)];
  const sources = found.filter((file) => isThere(file) && (file === tree.root || !tree.ignored(file)));
  if (sources.length === 0) {
    throw new BuildError(
      `failed to get fileinfo for ${join(tree.root, path)}: ${text}: no such file or directory in the build context`,
    );
  }
  return sources.map((file) => ({ path: inside(tree, file, text), name: posix.basename(file) }));
}

/** Of everything the sources hold. */
export function hashSources(tree: SourceTree, sources: readonly Source[]): string {
  return sources.map(({ path, name }) => `${name} ${hashTree(path, tree.ignored)}`).join('\n');
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** A source may be a link, or lie behind one; it must not lead out. */
function inside(tree: SourceTree, file: string, text: string): string {
  let real: string;
  try {
    real = realpathSync(file);
  } catch {
    throw new BuildError(`copying ${text}: it is a link to something that does not exist`);
  }
  const root = realpathSync(tree.root);
  if (real !== root && !real.startsWith(root + sep)) {
    throw new BuildError(`copying ${text}: it is a link that leads out of the build context`);
  }
  return real;
}

function expand(tree: SourceTree, pattern: string): string[] {
  let folders = [tree.root];
  const parts = pattern.split('/').filter(Boolean);
  for (const part of parts) {
    const matcher = globExpression(part);
    folders = folders.flatMap((folder) => {
      if (!isGlob(part)) {
        return isThere(join(folder, part)) ? [join(folder, part)] : [];
      }
      if (lstatSync(folder).isDirectory() === false) {
        return [];
      }
      const names = readdirSync(folder).sort();
      return names.filter((name) => matcher.test(name)).map((name) => join(folder, name));
    });
  }
  return folders;
}

function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * One name of a pattern, as Go's filepath.Match has it: Node's path.matchesGlob lets `*` pass over names that begin
 * with a dot.
 */
function globExpression(pattern: string): RegExp {
  const source = pattern.replace(
    /\\(.)|(\*+)|(\?)|\[(\^?)((?:\\.|[^\]\\])+)\]|[\s\S]/g,
    (char, escaped, run, any, not, members) => {
      if (run || any) {
        return run ? '.*' : '.';
      }
      const isClass = members !== undefined;
      return isClass ? `[${not}${members.replaceAll('[', '\\[')}]` : (escaped ?? char).replace(/[^\w]/, '\\$&');
    },
  );
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    throw new BuildError(`${pattern}: syntax error in pattern`);
  }
}
