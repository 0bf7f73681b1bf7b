/** Which absolute paths of a running container mean its image rather than the machine. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Those under the image's working directory, and those that exist in the image. Everything else is the machine's: `/bin/sh`,
 * `/etc/ssl`, and values that only look like paths (`BASE_PATH=/api`).
 */
export function placeInRootfs(rootfs: string, workingDir: string): (path: string) => string | undefined {
  return (path) => {
    if (path === '/' || path.split('/').includes('..')) {
      return undefined;
    }
    const under = workingDir !== '/' && (path === workingDir || path.startsWith(`${workingDir}/`));
    const placed = join(rootfs, path);
    return under || lstatSync(placed, { throwIfNoEntry: false }) !== undefined ? placed : undefined;
  };
}
