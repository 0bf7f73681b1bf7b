/** Times that order builds and deletions of one parser: S3's, which all of us ask. */
import { withinSecond } from '#shared/packing/list-source.ts';

/** What stands in events and annotations. */
export function orderTime(s3Date: Date, now: Date): string {
  return withinSecond(s3Date, now).toISOString();
}

const MINUTE = 60_000;
const TOLERANCE = 5 * MINUTE;

/** A time that S3 can't have told yet. Believed, it would keep every real build from replacing what it deploys. */
export function isFromTheFuture(observedAt: string, now: Date): boolean {
  return Date.parse(observedAt) > now.getTime() + TOLERANCE;
}
