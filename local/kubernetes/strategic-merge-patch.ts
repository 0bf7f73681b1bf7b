/**
 * Strategic merge patch, which kubectl sends for the built-in kinds (apply, label, patch): like a merge patch, but the items of keyed lists
 * are merged one by one. `$setElementOrder` is ignored: what is new comes last.
 */

import { sameValue } from '#shared/kubernetes/same-value.ts';
import { keyOfItem, listIdentity } from './list-keys.ts';

type Path = readonly string[];
type Fields = Record<string, unknown>;

const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/** Answers the patched value; neither argument is changed. */
export function strategicMergePatch(target: unknown, patch: unknown, path: Path = []): unknown {
  if (Array.isArray(patch)) {
    return patchList(Array.isArray(target) ? target : [], patch, path);
  }
  if (!isMap(patch)) {
    return patch;
  }
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  const merged: Fields = isMap(target) && directive !== 'replace' ? { ...target } : {};
  if (Array.isArray(retained)) {
    for (const key of Object.keys(merged).filter((name) => !retained.includes(name))) {
      delete merged[key];
    }
  }
  for (const [key, value] of Object.entries(fields)) {
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const name = key.slice(DELETE_PRIMITIVES.length);
      merged[name] = listAt(merged, name).filter((item) => !listAt(fields, key).some((gone) => sameValue(gone, item)));
    } else if (value === null) {
      delete merged[key];
    } else if (key !== '__proto__' && !key.startsWith('$')) {
      merged[key] = strategicMergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value, [...path, key]);
    }
  }
  return merged;
}

function patchList(list: readonly unknown[], patch: readonly unknown[], path: Path): unknown[] {
  const identity = listIdentity(path);
  const items = patch.filter((item) => directiveOf(item) !== 'replace');
  if (identity === 'set') {
    return [...list, ...items.filter((item) => !list.some((there) => sameValue(there, item)))];
  }
  // A patch knows an item by one field, even where apply needs two (a container's port, whatever its protocol).
  const [key] = identity ?? [];
  if (key === undefined || items.length < patch.length) {
    return items.map((item) => strategicMergePatch(undefined, item, path));
  }
  return items.reduce<unknown[]>((merged, item) => patchItem(merged, item, key, path), [...list]);
}

function patchItem(list: unknown[], item: unknown, key: string, path: Path): unknown[] {
  const id = keyOfItem(item, [key])?.[key];
  const at = id === undefined ? -1 : list.findIndex((there) => keyOfItem(there, [key])?.[key] === id);
  if (directiveOf(item) === 'delete') {
    return list.filter((_, index) => index !== at);
  }
  return at < 0
    ? [...list, strategicMergePatch(undefined, item, path)]
    : list.with(at, strategicMergePatch(list[at], item, path));
}

function directiveOf(item: unknown): unknown {
  return isMap(item) ? item['$patch'] : undefined;
}

function listAt(fields: Fields, name: string): unknown[] {
  return Array.isArray(fields[name]) ? fields[name] : [];
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
