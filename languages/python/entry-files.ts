/** The files that may hold a Python handler. */
import { type ModuleFiles, modulePaths, splitHandler } from '#languages/module-paths.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';

export const pythonModules: ModuleFiles = { extensions: ['.py'], folderFiles: ['__init__.py'] };

/** Best first; all exist. */
export function pythonEntryFiles(source: SourceReader, handler: string | undefined): string[] {
  const paths =
    handler === undefined
      ? ['parser.py', 'main.py', 'handler.py']
      : modulePaths(splitHandler(handler).module, pythonModules);
  return paths.filter(source.has);
}
