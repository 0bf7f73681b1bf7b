/** Go's filepath.Match and `**`, as COPY and .dockerignore use them. */

/** One step of a pattern: a sign, or any run of signs. */
interface Step {
  kind: 'one' | 'run';
  takes: (char: string) => boolean;
}

const notSlash = (char: string) => char !== '/';
const any = () => true;

const compiled = new Map<string, Step[][] | undefined>();

/** `*` and `?` stay within a folder, `**` does not. A pattern that is none (an open `[`) matches nothing. */
export function matchGlob(pattern: string, path: string): boolean {
  if (!compiled.has(pattern)) {
    compiled.set(pattern, compile(pattern));
  }
  const parts = compiled.get(pattern);
  return parts !== undefined && matches(parts, path);
}

export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

// All places in the path that a pattern may have come to are followed at once. A regular expression tries one after the other, and with every
// `**` that a pattern has the time would double. Between the parts there may be any number of whole folders, or none.

function matches(parts: readonly Step[][], path: string): boolean {
  let places = new Set([0]);
  for (const [index, steps] of parts.entries()) {
    if (index > 0) {
      places = folderStarts(places, path);
    }
    for (const step of steps) {
      places = step.kind === 'one' ? after(step, places, path) : alongRun(step, places, path);
    }
    if (places.size === 0) {
      return false;
    }
  }
  return places.has(path.length);
}

/** A folder more, any number of times: the places themselves, and all that come after a slash behind the first of them. */
function folderStarts(places: ReadonlySet<number>, path: string): Set<number> {
  const starts = new Set(places);
  for (let index = path.indexOf('/', Math.min(...places)); index !== -1; index = path.indexOf('/', index + 1)) {
    starts.add(index + 1);
  }
  return starts;
}

function after({ takes }: Step, places: ReadonlySet<number>, path: string): Set<number> {
  const next = new Set<number>();
  for (const place of places) {
    if (place < path.length && takes(path.charAt(place))) {
      next.add(place + 1);
    }
  }
  return next;
}

function alongRun({ takes }: Step, places: ReadonlySet<number>, path: string): Set<number> {
  const reached = new Set<number>();
  for (const place of [...places].sort((a, b) => a - b)) {
    for (let end = place; !reached.has(end); end++) {
      reached.add(end);
      if (end >= path.length || !takes(path.charAt(end))) {
        break;
      }
    }
  }
  return reached;
}

function compile(pattern: string): Step[][] | undefined {
  const parts: Step[][] = [[]];
  const add = (step: Step) => void parts.at(-1)?.push(step);
  const literal = (expected: string) => add({ kind: 'one', takes: (char) => char === expected });
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index);
    if (char === '*' && pattern.charAt(index + 1) === '*') {
      index++;
      if (pattern.charAt(index + 1) === '/') {
        index++;
        parts.push([]);
      } else {
        add({ kind: 'run', takes: any });
      }
    } else if (char === '*') {
      add({ kind: 'run', takes: notSlash });
    } else if (char === '?') {
      add({ kind: 'one', takes: notSlash });
    } else if (char === '[') {
      const close = pattern.indexOf(']', index + 2);
      const takes = close === -1 ? undefined : oneOf(pattern.slice(index + 1, close));
      if (takes === undefined) {
        return undefined;
      }
      add({ kind: 'one', takes });
      index = close;
    } else if (char === '\\' && index + 1 < pattern.length) {
      literal(pattern.charAt(++index));
    } else {
      literal(char);
    }
  }
  return parts;
}

function oneOf(inside: string): ((char: string) => boolean) | undefined {
  const negated = inside.startsWith('^');
  const members = (negated ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&');
  try {
    const set = new RegExp(`^[${negated ? '^/' : ''}${members}]$`, 's');
    return (char) => set.test(char);
  } catch {
    return undefined;
  }
}
