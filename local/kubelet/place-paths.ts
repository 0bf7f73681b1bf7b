/**
 * Absolute paths in commands and values, replaced by the folder that stands for them: what a mount namespace does for a
 * container.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A path begins where a word can begin, or after `://` (`tar:///context/c.tar.gz`); `https://host/app` holds none,
 * since `//host` follows one colon and `/app` follows a letter. It ends where a shell or a `PATH`-like list would end
 * it.
 */
const PATH_WORD = /(^|:\/\/|[\s'"`=:,;()<>|&[{!])(\/(?!\/)[^\s'"`=:,;()<>|&$*?\\{}[\]]*)/g;

/** Asks `place` for every absolute path in the text; what it does not know stays as it is. */
export function placePaths(text: string, place: (path: string) => string | undefined): string {
  if (!text.includes('/')) {
    return text;
  }
  return text.replace(PATH_WORD, (word, before: string, path: string) => {
    const placed = place(path);
    return placed === undefined ? word : before + placed;
  });
}

/** The folder of the longest mount path that the path is, or lies under. */
export function placeInMounts(mounts: ReadonlyMap<string, string>): (path: string) => string | undefined {
  const longestFirst = [...mounts].sort(([a], [b]) => b.length - a.length);
  return (path) => {
    for (const [mountPath, folder] of longestFirst) {
      if (path === mountPath) {
        return folder;
      }
      if (path.startsWith(`${mountPath}/`)) {
        return folder + path.slice(mountPath.length);
      }
    }
    return undefined;
  };
}

/**
 * Which paths mean the image rather than the machine: those under the image's working directory, and those that exist
 * in the image. Everything else is the machine's: `/bin/sh`, `/etc/ssl`, and values that only look like paths
 * (`BASE_PATH=/api`).
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
