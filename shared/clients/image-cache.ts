/** Images by digest, which never change: those used last, within a bound of memory. */
import type { Image } from './oci-registry.ts';

export interface ImageCache {
  get(repository: string, digest: string): Image | undefined;
  /** `bytes` of manifest and config. `digest` may be that of an index. */
  keep(repository: string, digest: string, image: Image, bytes: number): void;
  /** The repository has lost something. */
  forget(repository: string): void;
}

const MOST_BYTES = 16 * 1024 * 1024;

/** By repository: what one tenant's has is no answer for another's. */
export function imageCache(mostBytes = MOST_BYTES): ImageCache {
  const kept = new Map<string, { repository: string; image: Image; bytes: number }>();
  let total = 0;

  function remove(key: string): void {
    total -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  }

  return {
    get(repository, digest) {
      const key = `${repository}@${digest}`;
      const found = kept.get(key);
      if (found) {
        kept.delete(key);
        kept.set(key, found);
      }
      return found?.image;
    },
    keep(repository, digest, image, bytes) {
      const key = `${repository}@${digest}`;
      remove(key);
      kept.set(key, { repository, image, bytes });
      total += bytes;
      for (const oldest of kept.keys()) {
        if (total <= mostBytes) {
          break;
        }
        remove(oldest);
      }
    },
    forget(repository) {
      for (const [key, found] of kept) {
        if (found.repository === repository) {
          remove(key);
        }
      }
    },
  };
}
