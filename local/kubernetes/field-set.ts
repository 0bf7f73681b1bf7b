/** Sets of fields in the FieldsV1 notation of managedFields: which leaves of an object somebody set. */

import { sameValue } from '#shared/kubernetes/same-value.ts';
import { itemsByElement } from './list-keys.ts';

/** `{}` is a leaf; `.` among children says that the item itself belongs to the set as well. */
export interface FieldSet {
  [element: string]: FieldSet;
}

/** Every leaf below a value; empty where the value is a leaf itself. */
export function fieldsOf(value: unknown, field = ''): FieldSet {
  const set: FieldSet = {};
  for (const [element, child, key] of childrenOf(value, field) ?? []) {
    const below = fieldsOf(child, key);
    set[element] = element.startsWith('k:') ? { '.': {}, ...below } : below;
  }
  return set;
}

/** The children of a map, or of the keyed list that is `field` of one, by their path elements; undefined for what counts as one value. */
export function childrenOf(
  value: unknown,
  field: string,
): [element: string, child: unknown, field: string][] | undefined {
  if (value === null || typeof value !== 'object') {
    return undefined;
  }
  if (Array.isArray(value)) {
    const items = itemsByElement(value, field);
    return items && [...items].map(([element, item]) => [element, item, '']);
  }
  return Object.entries(value).map(([key, child]) => [`f:${key}`, child, key]);
}

/** The leaves of `next` that are not in `before`, or differ there. */
export function changedFields(before: unknown, next: unknown, field = ''): FieldSet {
  const old = childrenOf(before, field);
  const now = childrenOf(next, field);
  if (!old || !now) {
    return fieldsOf(next, field);
  }
  const oldByElement = new Map(old.map(([element, child]) => [element, child]));
  const set: FieldSet = {};
  for (const [element, child, key] of now) {
    if (!oldByElement.has(element)) {
      set[element] = { ...(element.startsWith('k:') && { '.': {} }), ...fieldsOf(child, key) };
      continue;
    }
    const was = oldByElement.get(element);
    if (sameValue(was, child)) {
      continue;
    }
    set[element] = changedFields(was, child, key);
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

/** As in conflict messages: `.spec.template.spec.containers[name="main"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([element, below]) => {
    if (element === '.') {
      return [prefix];
    }
    const path = prefix + elementText(element);
    return isLeaf(below) ? [path] : pathsOf(below, path);
  });
}

function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) {
    return `.${rest}`;
  }
  if (element.startsWith('v:')) {
    return `[=${rest}]`;
  }
  const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}
