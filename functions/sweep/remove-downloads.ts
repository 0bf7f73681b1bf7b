/** Removes what a client's builds have downloaded, a month after a build has added to it. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { DAY } from '#shared/durations.ts';
import { DOWNLOADS } from '#shared/specs/s3-keys.ts';
import type { Step } from './dependencies.ts';
import { olderThan } from './older-than.ts';

/** The list is read once an hour. */
const MINUTE_OF_THE_HOUR = 23;
const AGE = 30 * DAY;

export async function removeDownloads({
  store,
  temporaryBucket,
  report,
  now,
}: Step & { store: Pick<ObjectStore, 'list' | 'remove'>; temporaryBucket: string }): Promise<void> {
  if (now().getUTCMinutes() !== MINUTE_OF_THE_HOUR) {
    return;
  }
  for await (const keys of olderThan(AGE, store.list(temporaryBucket, DOWNLOADS))) {
    await store.remove(temporaryBucket, keys);
    for (const key of keys) {
      report.did('downloads_deleted', key);
    }
  }
}
