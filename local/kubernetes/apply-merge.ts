/** The two steps of server-side apply on values: merge what is applied into what is there, then prune what is no longer applied. */
import { childrenOf, type FieldSet, isLeaf } from './field-set.ts';
import { identityOfList, isAtomicMap, itemId } from './list-keys.ts';

type Path = readonly string[];
type Fields = Record<string, unknown>;

/** Maps and keyed lists are merged, everything else is replaced. The order of what is there is kept. */
export function mergeApplied(live: unknown, applied: unknown, path: Path = []): unknown {
  if (isMap(live) && isMap(applied)) {
    if (isAtomicMap(path)) {
      return applied;
    }
    const merged: Fields = { ...live };
    for (const [key, value] of Object.entries(applied)) {
      merged[key] = Object.hasOwn(live, key) ? mergeApplied(live[key], value, [...path, key]) : value;
    }
    return merged;
  }
  if (!Array.isArray(live) || !Array.isArray(applied)) {
    return applied;
  }
  const identity = identityOfList(applied, path);
  if (!identity || identityOfList(live, path) === undefined) {
    return applied;
  }
  const wanted = new Map(applied.map((item) => [itemId(item, identity), item]));
  const merged = live.map((item) => {
    const id = itemId(item, identity);
    if (!wanted.has(id)) {
      return item;
    }
    const value = mergeApplied(item, wanted.get(id), path);
    wanted.delete(id);
    return value;
  });
  return [...merged, ...wanted.values()];
}

/**
 * Removes the fields of `gone`: an item of a keyed list as a whole where the item itself is among them, and a map or list that becomes
 * empty.
 */
export function prune(value: unknown, gone: FieldSet, path: Path = []): unknown {
  if (isLeaf(gone)) {
    return value;
  }
  if (Array.isArray(value)) {
    const items = (childrenOf(value, path) ?? []).flatMap(([element, item]) => {
      const below = gone[element];
      if (!below) {
        return [item];
      }
      if (isLeaf(below) || below['.']) {
        return [];
      }
      return [isMap(item) ? prune(item, withoutKeys(below, element), path) : item];
    });
    return items.length > 0 ? items : undefined;
  }
  if (!isMap(value)) {
    return value;
  }
  const left: Fields = {};
  for (const [key, child] of Object.entries(value)) {
    const below = gone[`f:${key}`];
    if (below && isLeaf(below)) {
      continue;
    }
    const pruned = below ? prune(child, below, [...path, key]) : child;
    if (pruned !== undefined) {
      left[key] = pruned;
    }
  }
  return Object.keys(left).length > 0 ? left : undefined;
}

/** An item that stays keeps what identifies it. */
function withoutKeys(gone: FieldSet, element: string): FieldSet {
  const keys = element.startsWith('k:') ? Object.keys(JSON.parse(element.slice(2)) as Fields) : [];
  return Object.fromEntries(Object.entries(gone).filter(([name]) => !keys.some((key) => name === `f:${key}`)));
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
