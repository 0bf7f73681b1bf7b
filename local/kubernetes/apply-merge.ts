/**
 * The two steps of server-side apply on values: merge what is applied into what is there, then prune what is no longer
 * applied.
 */
import { type FieldSet, isLeaf, isMap } from './field-set.ts';

/** Maps are merged, everything else is replaced. The order of what is there is kept. */
export function mergeApplied(live: unknown, applied: unknown): unknown {
  if (!isMap(live) || !isMap(applied)) {
    return applied;
  }
  const merged = { ...live };
  for (const [key, value] of Object.entries(applied)) {
    merged[key] = Object.hasOwn(live, key) ? mergeApplied(live[key], value) : value;
  }
  return merged;
}

/** Removes the fields of `gone`, and a map that becomes empty. */
export function prune(value: unknown, gone: FieldSet): unknown {
  if (isLeaf(gone) || !isMap(value)) {
    return value;
  }
  const left = Object.entries(value).flatMap(([key, child]): [string, unknown][] => {
    const below = gone[`f:${key}`];
    if (!below) {
      return [[key, child]];
    }
    const pruned = isLeaf(below) ? undefined : prune(child, below);
    return pruned === undefined ? [] : [[key, pruned]];
  });
  return left.length === 0 ? undefined : Object.fromEntries(left);
}
