/** Projects whose entry file is not uploaded, since `npm run build` makes it: TypeScript with its main in dist/. */
import { posix } from 'node:path';
import type { Handler } from '#languages/find-handler.ts';
import { modulePaths, splitHandler } from '#languages/module-paths.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { nodeModules } from './entry-files.ts';
import type { PackageJson } from './package-json.ts';

const EXTENSIONS = ['.js', '.mjs', '.cjs'];

/** Undefined where the entry file is there, or nothing would make it. */
export function madeByBuild(
  source: SourceReader,
  { main, scripts }: PackageJson,
  requested: string | undefined,
): Handler | undefined {
  if (!('build' in scripts)) {
    return undefined;
  }
  if (requested !== undefined) {
    const { module, name } = splitHandler(requested);
    const isThere = modulePaths(module, nodeModules).some(source.has);
    return isThere || !module.includes('/') ? undefined : { file: withExtension(module), name };
  }
  const path = posix.normalize(main ?? '.');
  // What Node runs without being compiled needs no tool for developers.
  const uncompiled = path.replace(/\.([cm]?)js$/, '.$1ts');
  if (path === '.' || path.startsWith('..') || [uncompiled, ...modulePaths(path, nodeModules)].some(source.has)) {
    return undefined;
  }
  return { file: withExtension(path), name: undefined };
}

function withExtension(path: string): string {
  return EXTENSIONS.includes(posix.extname(path)) ? path : `${path.replace(/\/$/, '/index')}.js`;
}
