/**
 * Strategic merge patch, which kubectl sends for the built-in kinds (apply, label, patch): a merge patch that adds to metadata's lists instead
 * of replacing them, and may say `$patch: replace` of a map. Directives about the order or the items of other lists mean nothing here, since
 * those lists are replaced as a whole.
 */

import { itemsByElement } from './list-keys.ts';

type Fields = Record<string, unknown>;

const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/** Answers the patched value; neither argument is changed. */
export function strategicMergePatch(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) {
    const added = itemsByElement(patch, field);
    const present = itemsByElement(Array.isArray(target) ? target : [], field);
    return added && present ? [...new Map([...present, ...added]).values()] : patch;
  }
  if (!isMap(patch)) {
    return patch;
  }
  const merged: Fields = isMap(target) && patch['$patch'] !== 'replace' ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const name = key.slice(DELETE_PRIMITIVES.length);
      merged[name] = listIn(merged, name).filter((item) => !listIn(patch, key).includes(item));
    } else if (value === null) {
      delete merged[key];
    } else if (key !== '__proto__' && !key.startsWith('$')) {
      merged[key] = strategicMergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value, key);
    }
  }
  return merged;
}

function listIn(fields: Fields, name: string): unknown[] {
  return Array.isArray(fields[name]) ? fields[name] : [];
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
