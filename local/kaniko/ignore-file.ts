/** `.dockerignore`: what of the context COPY does not see. */
import { matchGlob } from './match-glob.ts';

/** True for what is left out. The last pattern that matches decides; `!` takes back in. Paths are relative to the context. */
export function parseIgnoreFile(content: string): (path: string) => boolean {
  const patterns = content
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const excludes = !line.startsWith('!');
      const pattern = (excludes ? line : line.slice(1))
        .trim()
        .replace(/^\/+/, '')
        .replace(/\/+$/, '')
        .replace(/^\.\//, '');
      return { excludes, pattern };
    })
    .filter(({ pattern }) => pattern !== '' && pattern !== '.');
  if (patterns.length === 0) {
    return () => false;
  }
  return (path) => {
    const parts = path.split('/');
    // A pattern that matches a folder matches everything below it.
    const ancestors = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    let ignored = false;
    for (const { excludes, pattern } of patterns) {
      if (ancestors.some((ancestor) => matchGlob(pattern, ancestor))) {
        ignored = excludes;
      }
    }
    return ignored;
  };
}
