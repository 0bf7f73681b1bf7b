/** Objects that have reached an age, by S3's own clock. */
import type { ObjectStore } from '#shared/clients/object-store.ts';

/** Keys, page by page. `age`: milliseconds. */
export async function* olderThan(age: number, pages: ReturnType<ObjectStore['list']>): AsyncIterable<string[]> {
  for await (const { objects, date } of pages) {
    yield objects.filter(({ modified }) => modified.getTime() <= date.getTime() - age).map(({ key }) => key);
  }
}
