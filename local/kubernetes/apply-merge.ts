/** The two steps of server-side apply on values: merge what is applied into what is there, then prune what is no longer applied. */
import { childrenOf, type FieldSet, isLeaf } from './field-set.ts';
import { itemsByElement } from './list-keys.ts';

type Fields = Record<string, unknown>;

/** Maps and keyed lists are merged, everything else is replaced. The order of what is there is kept. */
export function mergeApplied(live: unknown, applied: unknown, field = ''): unknown {
  if (isMap(live) && isMap(applied)) {
    const merged: Fields = { ...live };
    for (const [key, value] of Object.entries(applied)) {
      merged[key] = Object.hasOwn(live, key) ? mergeApplied(live[key], value, key) : value;
    }
    return merged;
  }
  const present = Array.isArray(live) && itemsByElement(live, field);
  const wanted = Array.isArray(applied) && itemsByElement(applied, field);
  if (!present || !wanted) {
    return applied;
  }
  for (const [element, item] of wanted) {
    present.set(element, mergeApplied(present.get(element), item));
  }
  return [...present.values()];
}

/**
 * Removes the fields of `gone`: an item of a keyed list as a whole where the item itself is among them, and a map or list that becomes
 * empty.
 */
export function prune(value: unknown, gone: FieldSet, field = ''): unknown {
  const children = childrenOf(value, field);
  if (isLeaf(gone) || !children) {
    return value;
  }
  const left = children.flatMap(([element, child, key]): [string, unknown][] => {
    const below = gone[element];
    if (!below) {
      return [[key, child]];
    }
    if (isLeaf(below) || (below['.'] && Array.isArray(value))) {
      return [];
    }
    const pruned = prune(child, below, key);
    return pruned === undefined ? [] : [[key, pruned]];
  });
  if (left.length === 0) {
    return undefined;
  }
  return Array.isArray(value) ? left.map(([, item]) => item) : Object.fromEntries(left);
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
