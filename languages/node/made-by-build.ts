/** Projects whose entry file is not uploaded, since `npm run build` makes it: TypeScript with its main in dist/. */
import { posix } from 'node:path';
import type { Handler } from '#languages/find-handler.ts';
import { modulePaths, splitHandler } from '#languages/module-paths.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { nodeModules, uncompiled } from './entry-files.ts';
import { buildScript, mainOf, type PackageJson } from './package-json.ts';

const EXTENSIONS = ['.js', '.mjs', '.cjs'];

/** Undefined where the entry file is there, or nothing would make it. */
export function madeByBuild(
  source: SourceReader,
  manifest: PackageJson,
  requested: string | undefined,
): Handler | undefined {
  const script = buildScript(manifest);
  if (script === undefined) {
    return undefined;
  }
  if (requested !== undefined) {
    const { module, name } = splitHandler(requested);
    const isThere = modulePaths(module, nodeModules).some(source.has);
    return isThere || !module.includes('/') ? undefined : { file: withExtension(module), name };
  }
  const path = posix.normalize(mainOf(manifest) ?? '.');
  // What Node runs without being compiled needs no tool for developers.
  const there = [...uncompiled(path), ...modulePaths(path, nodeModules)];
  const isElsewhere = path === '.' || path.startsWith('..') || (script !== 'build' && !path.includes('/'));
  if (isElsewhere || there.some(source.has)) {
    return undefined;
  }
  // A folder, most likely, where it is one word.
  return { file: withExtension(path.includes('/') || posix.extname(path) !== '' ? path : `${path}/`), name: undefined };
}

function withExtension(path: string): string {
  return EXTENSIONS.includes(posix.extname(path)) ? path : `${path.replace(/\/$/, '/index')}.js`;
}
