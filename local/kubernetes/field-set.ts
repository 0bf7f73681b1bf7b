/** Sets of fields in the FieldsV1 notation of managedFields: which leaves of an object somebody set. */

import { sameValue } from '#shared/kubernetes/same-value.ts';

/** `{}` is a leaf; `.` among children says that the map they are in belongs to the set as well. */
export interface FieldSet {
  [element: string]: FieldSet;
}

/** Every leaf below a value; empty where the value is a leaf itself. */
export function fieldsOf(value: unknown): FieldSet {
  return isMap(value)
    ? Object.fromEntries(Object.entries(value).map(([key, child]) => [`f:${key}`, fieldsOf(child)]))
    : {};
}

/** What has fields. A list counts as one value, where a cluster merges those of some built-in kinds item by item. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The leaves of `next` that are not in `before`, or differ there. */
export function changedFields(before: unknown, next: unknown): FieldSet {
  if (!isMap(before) || !isMap(next)) {
    return fieldsOf(next);
  }
  const set: FieldSet = {};
  for (const [key, child] of Object.entries(next)) {
    if (!Object.hasOwn(before, key)) {
      set[`f:${key}`] = fieldsOf(child);
    } else if (!sameValue(before[key], child)) {
      set[`f:${key}`] = changedFields(before[key], child);
    }
  }
  return set;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const set: FieldSet = { ...a };
  for (const [element, below] of Object.entries(b)) {
    const mine = a[element];
    if (mine === undefined) {
      set[element] = below;
    } else {
      const joined = union(mine, below);
      // A leaf that also has children in the other set stays a member in its own right.
      const leaf = (isLeaf(mine) || isLeaf(below)) && !isLeaf(joined);
      set[element] = leaf ? { '.': {}, ...joined } : joined;
    }
  }
  return set;
}

/** What is in `a` and not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const set: FieldSet = {};
  for (const [element, mine] of Object.entries(a)) {
    const theirs = b[element];
    if (theirs === undefined) {
      set[element] = mine;
      continue;
    }
    if (isLeaf(mine)) {
      if (!isLeaf(theirs) && !theirs['.']) {
        set[element] = mine;
      }
      continue;
    }
    const left = difference(mine, isLeaf(theirs) ? { '.': {} } : theirs);
    if (!isLeaf(left)) {
      set[element] = left;
    }
  }
  return set;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return difference(a, difference(a, b));
}

/** The same set, with everything that its fields lie in as a member of its own. */
export function withAncestors(set: FieldSet): FieldSet {
  const entries = Object.entries(set).map(([element, below]) => [
    element,
    isLeaf(below) ? below : { '.': {}, ...withAncestors(below) },
  ]);
  return Object.fromEntries(entries);
}

export function isLeaf(set: FieldSet): boolean {
  for (const _ in set) {
    return false;
  }
  return true;
}

/** As in conflict messages: `.spec.template.spec.containers`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([element, below]) => {
    if (element === '.') {
      return [prefix];
    }
    const path = `${prefix}.${element.slice('f:'.length)}`;
    return isLeaf(below) ? [path] : pathsOf(below, path);
  });
}
