/**
 * Removes outcomes that are a day old: after a day no event is delivered again. So it does what says which builds began
 * then, which counts for a minute.
 */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { DAY } from '#shared/durations.ts';
import { listOutcomes } from '#shared/requests/outcome.ts';
import { BEGINNINGS } from '#shared/specs/s3-keys.ts';
import type { Step } from './dependencies.ts';
import { olderThan } from './older-than.ts';

/** There is an outcome for each request, so the lists are long. They are read once an hour. */
const MINUTE_OF_THE_HOUR = 7;
/** Removed in one run. One call of S3 removes a thousand. */
const LIMIT = 20_000;

export async function removeOutcomes({
  store,
  temporaryBucket,
  report,
  now,
}: Step & { store: Pick<ObjectStore, 'list' | 'remove'>; temporaryBucket: string }): Promise<void> {
  if (now().getUTCMinutes() !== MINUTE_OF_THE_HOUR) {
    return;
  }
  for (const pages of [listOutcomes(store, temporaryBucket), store.list(temporaryBucket, BEGINNINGS)]) {
    const old = await firstOf(olderThan(DAY, pages));
    await store.remove(temporaryBucket, old);
    for (const key of old) {
      report.did('answers_deleted', key);
    }
  }
}

async function firstOf(pages: AsyncIterable<string[]>): Promise<string[]> {
  const old: string[] = [];
  for await (const keys of pages) {
    old.push(...keys);
    if (old.length >= LIMIT) {
      break;
    }
  }
  return old;
}
