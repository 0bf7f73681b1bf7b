/** Random numbers by name: the same seed and name give the same number, whatever else has happened in the run. */

/**
 * 0 ≤ number < 1. It does not come from a stream. A run from which one fault is taken away therefore keeps all of its
 * other decisions, so that a failing run can be made small.
 */
export function chance(seed: number, name: string): number {
  // FNV-1a over the name, finished as murmur3 does: neighbouring names must not give neighbouring numbers.
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
