/** Go's filepath.Match and `**`, as COPY and .dockerignore use them. */

const compiled = new Map<string, RegExp | undefined>();

/** `*` and `?` stay within a folder, `**` does not. A pattern that is none (an open `[`) matches nothing. */
export function matchGlob(pattern: string, path: string): boolean {
  if (!compiled.has(pattern)) compiled.set(pattern, compile(pattern));
  return compiled.get(pattern)?.test(path) === true;
}

export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

function compile(pattern: string): RegExp | undefined {
  let source = '';
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index);
    if (char === '*' && pattern.charAt(index + 1) === '*') {
      index++;
      if (pattern.charAt(index + 1) === '/') {
        index++;
        source += '(?:.*/)?';
      } else {
        source += '.*';
      }
    } else if (char === '*') {
      source += '[^/]*';
    } else if (char === '?') {
      source += '[^/]';
    } else if (char === '[') {
      const close = pattern.indexOf(']', index + 2);
      if (close === -1) return undefined;
      const inside = pattern.slice(index + 1, close);
      const negated = inside.startsWith('^');
      const members = (negated ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&');
      source += `[${negated ? '^/' : ''}${members}]`;
      index = close;
    } else if (char === '\\' && index + 1 < pattern.length) {
      source += escapeRegExp(pattern.charAt(++index));
    } else {
      source += escapeRegExp(char);
    }
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    return undefined;
  }
}

function escapeRegExp(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
