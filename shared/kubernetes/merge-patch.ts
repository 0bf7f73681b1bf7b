/** JSON merge patch, RFC 7386. */

/** Answers the patched value; neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) {
    return patch;
  }
  const merged: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') {
      continue;
    }
    if (value === null) {
      delete merged[key];
    } else {
      merged[key] = mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
    }
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
