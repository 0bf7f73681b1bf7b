/** Absolute paths in commands and values, replaced by the folder that stands for them: what a mount namespace does for a container. */

/**
 * A path begins where a word can begin, or after `://` (`tar:///context/c.tar.gz`); `https://host/app` holds none, since `//host`
 * follows one colon and `/app` follows a letter. It ends where a shell or a `PATH`-like list would end it.
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
