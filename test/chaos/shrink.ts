/** Makes a failing run small: leaves out faults and operations as long as it still fails in the same way. */
import { run } from './run.ts';
import type { Violation } from './violation.ts';

export interface Shrunk {
  /** What is left out. */
  without: Set<string>;
  /** What is left. */
  left: string[];
  violations: Violation[];
}

/** Delta debugging (Zeller): ever smaller parts are left out, until none can be or the time is over. */
export async function shrink(seed: number, milliseconds: number): Promise<Shrunk> {
  const first = await run({ seed });
  const until = performance.now() + milliseconds;
  const invariant = first.violations[0]?.invariant;
  let shrunk: Shrunk = {
    without: new Set(),
    left: [...first.operations, ...first.faults],
    violations: first.violations,
  };
  for (let parts = 2; performance.now() < until && shrunk.left.length > 0; ) {
    const size = Math.ceil(shrunk.left.length / parts);
    const smaller = await firstSmaller(size);
    if (smaller) {
      shrunk = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) {
      break;
    } else {
      parts = Math.min(shrunk.left.length, parts * 2);
    }
  }
  return shrunk;

  async function firstSmaller(size: number): Promise<Shrunk | undefined> {
    for (let start = 0; start < shrunk.left.length && performance.now() < until; start += size) {
      const without = new Set([...shrunk.without, ...shrunk.left.slice(start, start + size)]);
      const { violations, faults, operations } = await run({ seed, without });
      if (violations.some((violation) => violation.invariant === invariant)) {
        return { without, left: [...operations, ...faults], violations };
      }
    }
    return undefined;
  }
}
