/** Which functions' processes ended during calls within the last hour: one listing, read anew from time to time. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { HOUR, SECOND } from '#shared/durations.ts';
import { CRASHES } from '#shared/specs/s3-keys.ts';
import { readAnew } from './read-anew.ts';

/** By id of the function: when, by S3's clock. */
export type LastCrashes = () => Promise<ReadonlyMap<string, Date>>;

const FRESH = 2 * SECOND;
/** A listing of a thousand keys each, of functions that crashed within the days of the history. */
const MOST_PAGES = 5;

export function createLastCrashes(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  now: () => number = () => performance.now(),
): LastCrashes {
  async function read(): Promise<ReadonlyMap<string, Date>> {
    const found = new Map<string, Date>();
    let pages = 0;
    for await (const { objects, date } of store.list(bucket, CRASHES)) {
      for (const { key, modified } of objects) {
        if (!key.endsWith('.broken.json') && date.getTime() - modified.getTime() < HOUR) {
          found.set(key.slice(CRASHES.length).replace(/\.json$/, ''), modified);
        }
      }
      pages += 1;
      if (pages >= MOST_PAGES) {
        break;
      }
    }
    return found;
  }

  return readAnew(read, { nothing: new Map(), freshFor: () => FRESH, now });
}
