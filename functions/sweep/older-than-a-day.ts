/** Objects that are older than a day, by S3's own clock. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { DAY } from '#shared/durations.ts';

/** Keys, page by page. */
export async function* olderThanADay(pages: ReturnType<ObjectStore['list']>): AsyncIterable<string[]> {
  for await (const { objects, date } of pages) {
    yield objects.filter(({ modified }) => modified.getTime() <= date.getTime() - DAY).map(({ key }) => key);
  }
}
