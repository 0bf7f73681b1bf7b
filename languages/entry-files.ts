/** The files that may hold a Python or Node handler, best first. Go needs none: its handler is found by package. */
import { posix } from 'node:path';
import type { SourceReader } from '#shared/packing/source-reader.ts';

const NODE_EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** `parameters.handler` is `module.function`; the module is a path whose folders may also be written with dots. */
export function splitHandler(handler: string): { module: string; name: string } {
  const dot = handler.lastIndexOf('.');
  return { module: handler.slice(0, dot), name: handler.slice(dot + 1) };
}

/** Where a module named by `parameters.handler` may be. Existing or not, so that a message can list them. */
export function modulePaths(module: string, language: 'python' | 'node'): string[] {
  const extensions = language === 'python' ? ['.py'] : NODE_EXTENSIONS;
  const bases = [...new Set([module, module.replaceAll('.', '/')])];
  return bases.flatMap((base) => [
    ...(extensions.includes(posix.extname(base)) ? [base] : []),
    ...extensions.map((extension) => base + extension),
    ...(language === 'python' ? [`${base}/__init__.py`] : extensions.map((extension) => `${base}/index${extension}`)),
  ]);
}

export function pythonCandidates(source: SourceReader, handler: string | undefined): string[] {
  const paths =
    handler === undefined
      ? ['parser.py', 'main.py', 'handler.py']
      : modulePaths(splitHandler(handler).module, 'python');
  return paths.filter(source.has);
}

/** package.json's `main` first where that file exists: it was written down, the others are a convention. */
export async function nodeCandidates(source: SourceReader, handler: string | undefined): Promise<string[]> {
  if (handler !== undefined) {
    return modulePaths(splitHandler(handler).module, 'node').filter(source.has);
  }
  const main = await packageMain(source);
  const conventional = ['parser', 'index', 'handler'].flatMap((stem) =>
    ['.js', '.mjs', '.cjs', '.ts'].map((extension) => stem + extension),
  );
  return [...new Set([...(main === undefined ? [] : mainPaths(main)), ...conventional])].filter(source.has);
}

function mainPaths(main: string): string[] {
  const path = posix.normalize(main).replace(/\/$/, '');
  return [
    path,
    ...NODE_EXTENSIONS.map((extension) => path + extension),
    ...NODE_EXTENSIONS.map((extension) => `${path}/index${extension}`),
  ];
}

/** An unreadable package.json has no main; the recipe says what is wrong with it. */
async function packageMain(source: SourceReader): Promise<string | undefined> {
  const text = await source.text('package.json');
  try {
    const manifest: unknown = JSON.parse(text ?? 'null');
    const main = (manifest as { main?: unknown } | null)?.main;
    return typeof main === 'string' ? main : undefined;
  } catch {
    return undefined;
  }
}
