/** Strategic merge patch, which kubectl uses for the built-in kinds: like a merge patch, but keyed lists merge item by item. */

import { sameValue } from '#shared/kubernetes/same-value.ts';
import { keyOfItem, listIdentity } from './list-keys.ts';

type Path = readonly string[];
type Fields = Record<string, unknown>;

const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/** Answers the patched value; neither argument is changed. Undefined where the patch deletes it. */
export function strategicMergePatch(target: unknown, patch: unknown, path: Path = []): unknown {
  if (!isMap(patch)) {
    return patch;
  }
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') {
    return undefined;
  }
  const merged: Fields = isMap(target) && directive !== 'replace' ? { ...target } : {};
  if (Array.isArray(retained)) {
    for (const key of Object.keys(merged)) {
      if (!retained.includes(key)) {
        delete merged[key];
      }
    }
  }
  for (const [key, value] of Object.entries(fields)) {
    if (key === '__proto__' || key.startsWith('$')) {
      continue;
    }
    const was = Object.hasOwn(merged, key) ? merged[key] : undefined;
    const now = value === null ? undefined : patchField(was, value, [...path, key]);
    if (now === undefined) {
      delete merged[key];
    } else {
      merged[key] = now;
    }
  }
  for (const [key, value] of Object.entries(fields)) {
    if (!Array.isArray(value)) {
      continue;
    }
    const list = (name: string) => (Array.isArray(merged[name]) ? (merged[name] as unknown[]) : []);
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const name = key.slice(DELETE_PRIMITIVES.length);
      if (merged[name]) {
        merged[name] = list(name).filter((item) => !value.some((gone) => sameValue(gone, item)));
      }
    } else if (key.startsWith(ORDER)) {
      const name = key.slice(ORDER.length);
      if (merged[name]) {
        merged[name] = reorder(list(name), value, [...path, name]);
      }
    }
  }
  return merged;
}

function patchField(was: unknown, value: unknown, path: Path): unknown {
  return Array.isArray(value)
    ? patchList(Array.isArray(was) ? was : [], value, path)
    : strategicMergePatch(was, value, path);
}

function patchList(list: readonly unknown[], patch: readonly unknown[], path: Path): unknown[] {
  const key = mergeKey(path);
  if (key === undefined) {
    return patch.map((item) => strategicMergePatch(undefined, item, path));
  }
  if (key === 'set') {
    return [...list, ...patch.filter((item) => !list.some((there) => sameValue(there, item)))];
  }
  const directive = (item: unknown) => (isMap(item) ? item['$patch'] : undefined);
  const replaced = patch.some((item) => directive(item) === 'replace');
  let merged = replaced ? [] : [...list];
  for (const item of patch) {
    if (directive(item) === 'replace') {
      continue;
    }
    const id = keyOfItem(item, [key])?.[key];
    const at = id === undefined ? -1 : merged.findIndex((there) => keyOfItem(there, [key])?.[key] === id);
    if (directive(item) === 'delete') {
      merged = merged.filter((_, index) => index !== at);
    } else if (at < 0) {
      merged.push(strategicMergePatch(undefined, item, path));
    } else {
      merged[at] = strategicMergePatch(merged[at], item, path);
    }
  }
  return merged;
}

/** Puts the items that `order` names in its order, into the places that they hold among them; the others stay where they are. */
function reorder(list: unknown[], order: unknown[], path: Path): unknown[] {
  const key = mergeKey(path);
  const idOf = (item: unknown) => (key && key !== 'set' ? keyOfItem(item, [key])?.[key] : item);
  const wanted = order.map(idOf);
  const named = list.filter((item) => wanted.includes(idOf(item)));
  named.sort((a, b) => wanted.indexOf(idOf(a)) - wanted.indexOf(idOf(b)));
  return list.map((item) => (wanted.includes(idOf(item)) ? named.shift() : item));
}

/** A patch knows an item by one field, even where apply needs two (a container's port, whatever its protocol). */
function mergeKey(path: Path): string | undefined {
  const identity = listIdentity(path);
  return identity === 'set' ? 'set' : identity?.[0];
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
