/**
 * The times that order builds and deletions of one parser. They come from S3, the one clock that all functions share.
 */

import { MINUTE } from '#shared/durations.ts';
import { withinSecond } from '#shared/packing/list-source.ts';

/** RFC 3339, as written in events and annotations. */
export function orderTime(s3Date: Date, now: Date): string {
  return withinSecond(s3Date, now).toISOString();
}

const TOLERANCE = 5 * MINUTE;

/** Whether S3 can't have said this time yet. A build with such a time could not be replaced by any real one. */
export function isFromTheFuture(observedAt: string, now: Date): boolean {
  return Date.parse(observedAt) > now.getTime() + TOLERANCE;
}
