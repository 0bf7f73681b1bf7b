/** What requests were answered a day ago: by then no delivery of them is still to come. */
import { listOutcomes } from '#shared/requests/outcome.ts';
import type { Run } from './dependencies.ts';
import { olderThanADay } from './older-than-a-day.ts';

/** There is one for each request, so the list is long: it is read once an hour. */
const MINUTE_OF_THE_HOUR = 7;
/** Of one run. A thousand go in one call of S3. */
const LIMIT = 20_000;

export async function removeOutcomes({ store, temporaryBucket, report, now }: Run): Promise<void> {
  if (now().getUTCMinutes() !== MINUTE_OF_THE_HOUR) {
    return;
  }
  const old: string[] = [];
  for await (const keys of olderThanADay(listOutcomes(store, temporaryBucket))) {
    old.push(...keys);
    if (old.length >= LIMIT) {
      break;
    }
  }
  await store.remove(temporaryBucket, old);
  for (const key of old) {
    report.did('answers_deleted', key);
  }
}
