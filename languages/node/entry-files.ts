/** The files that may hold a Node handler. */
import { posix } from 'node:path';
import { type ModuleFiles, modulePaths, splitHandler } from '#languages/module-paths.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { mainOf } from './package-json.ts';

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

export const nodeModules: ModuleFiles = {
  extensions: EXTENSIONS,
  folderFiles: EXTENSIONS.map((extension) => `index${extension}`),
};

/** Best first; all exist. package.json's `main` comes before the conventional names, since a person wrote it down. */
export async function nodeEntryFiles(source: SourceReader, handler: string | undefined): Promise<string[]> {
  if (handler !== undefined) {
    return modulePaths(splitHandler(handler).module, nodeModules).filter(source.has);
  }
  const main = await packageMain(source);
  const conventional = ['parser', 'index', 'handler'].flatMap((stem) =>
    ['.js', '.mjs', '.cjs', '.ts'].map((extension) => stem + extension),
  );
  return [...new Set([...(main === undefined ? [] : mainPaths(main)), ...conventional])].filter(source.has);
}

/** What a file that is not there would be compiled from, beside it. */
export function uncompiled(path: string): string[] {
  const typescript = path.replace(/\.([cm]?)js$/, '.$1ts');
  return typescript === path ? [] : [typescript];
}

function mainPaths(main: string): string[] {
  const path = posix.normalize(main).replace(/\/$/, '');
  return [
    path,
    // Node runs it as it is.
    ...uncompiled(path),
    ...EXTENSIONS.map((extension) => path + extension),
    ...EXTENSIONS.map((extension) => `${path}/index${extension}`),
  ];
}

/** An unreadable package.json has no main; the recipe says what is wrong with it. */
async function packageMain(source: SourceReader): Promise<string | undefined> {
  const text = await source.text('package.json');
  try {
    const manifest: unknown = JSON.parse(text ?? 'null');
    return mainOf(Object(manifest));
  } catch {
    return undefined;
  }
}
