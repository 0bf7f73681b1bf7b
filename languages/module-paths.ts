/** From `parameters.handler` to the files that may hold the module it names. */
import { posix } from 'node:path';

/** `parameters.handler` is `module.function`; the module is a path whose folders may also be written with dots. */
export function splitHandler(handler: string): { module: string; name: string } {
  const dot = handler.lastIndexOf('.');
  return { module: handler.slice(0, dot), name: handler.slice(dot + 1) };
}

/** How a language stores its modules. */
export interface ModuleFiles {
  /** Best first, with the dot. */
  extensions: readonly string[];
  /** The file that stands for a folder, best first. */
  folderFiles: readonly string[];
}

/** Where a module may be. Existing or not, so that a message can list them. */
export function modulePaths(module: string, { extensions, folderFiles }: ModuleFiles): string[] {
  const bases = [...new Set([module, module.replaceAll('.', '/')])];
  return bases.flatMap((base) => [
    ...(extensions.includes(posix.extname(base)) ? [base] : []),
    ...extensions.map((extension) => base + extension),
    ...folderFiles.map((file) => `${base}/${file}`),
  ]);
}
