/** A deep copy of JSON data, in the form the store keeps: no undefined, no null fields, times as text. */

/**
 * Kubernetes reads `null` as "absent" in every kind we serve, so nulls end here. `__proto__` is no field name of any
 * kind, and would be the one key that an assignment does not set; it is dropped.
 */
export function copy<T>(value: T): T {
  return clone(value) as T;
}

function clone(value: unknown): unknown {
  if (value === null || typeof value !== 'object') {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(clone);
  }
  if (value instanceof Date) {
    return `${value.toISOString().slice(0, 19)}Z`;
  }
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[key];
    if (field === undefined || field === null || key === '__proto__') {
      continue;
    }
    out[key] = clone(field);
  }
  return out;
}
