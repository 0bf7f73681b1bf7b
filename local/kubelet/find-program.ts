/** The file that a command names, found as execvp and a container runtime find it. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * Undefined where there is no such executable. Relative names with a slash are looked up from `cwd`, bare ones in PATH.
 */
export function findProgram(program: string, options: { cwd: string; path: string }): string | undefined {
  if (program === '') {
    return undefined;
  }
  if (program.includes('/')) {
    const file = resolve(options.cwd, program);
    return isExecutable(file) ? file : undefined;
  }
  for (const folder of options.path.split(':')) {
    if (folder === '') {
      continue;
    }
    const file = resolve(options.cwd, folder, program);
    if (isExecutable(file)) {
      return file;
    }
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
