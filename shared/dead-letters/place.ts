/**
 * Where a letter lies and how far it is. Beside `dead-letters/{yyyy-mm-dd}/{id}.json` there is one small object for each replay that was sent, and
 * one for each that failed again:
 *
 *     {id}.json                    open
 *     {id}.json .replayed-1        replayed: it has not come back
 *     {id}.json .replayed-1 .failed-1      open again, one replay behind it
 *
 * So whoever replays and whoever keeps letters never write the same object, and S3, which has no compare-and-swap that every store knows, loses
 * no state between them, in whatever order they come: a replay may have failed before it was noted that it was sent.
 */
import { DEAD_LETTERS } from '#shared/specs/s3-keys.ts';

export type Mark = 'replayed' | 'failed';

export interface LetterPlace {
  date: string;
  id: string;
  /** The highest replay that was sent; 0 for none. */
  replayed: number;
  /** The highest replay that came back. */
  failed: number;
}

type Named = Pick<LetterPlace, 'date' | 'id'>;

const KEY = /^dead-letters\/(\d{4}-\d{2}-\d{2})\/([0-9a-f]{32})(?:\.(replayed|failed)-(\d{1,3}))?\.json$/;
const LINK = /^(\d{4}-\d{2}-\d{2})\/([0-9a-f]{32})$/;

export function letterKey({ date, id }: Named): string {
  return `${DEAD_LETTERS}${date}/${id}.json`;
}

export function markKey({ date, id }: Named, mark: Mark, n: number): string {
  return `${DEAD_LETTERS}${date}/${id}.${mark}-${n}.json`;
}

export function isOpen({ replayed, failed }: LetterPlace): boolean {
  return failed >= replayed;
}

/** What is to be sent next. */
export function nextReplay({ replayed, failed }: LetterPlace): number {
  return Math.max(replayed, failed) + 1;
}

/** The letter and its marks. */
export function keysOf(place: LetterPlace): string[] {
  const marks = Array.from({ length: Math.max(place.replayed, place.failed) }, (_, index) => index + 1);
  return [letterKey(place), ...marks.flatMap((n) => [markKey(place, 'replayed', n), markKey(place, 'failed', n)])];
}

/** Undefined for what is neither letter nor mark. */
export function readKey(key: string): (Named & { mark?: { kind: Mark; n: number } }) | undefined {
  const [, date, id, kind, n] = KEY.exec(key) ?? [];
  if (date === undefined || id === undefined) {
    return undefined;
  }
  return { date, id, ...(kind === undefined ? {} : { mark: { kind: kind as Mark, n: Number(n) } }) };
}

/** The extension `replayof` of an event that is sent again: enough to find its letter without a list. */
export function linkTo({ date, id }: Named): string {
  return `${date}/${id}`;
}

export function readLink(link: unknown): Named | undefined {
  const [, date, id] = (typeof link === 'string' ? LINK.exec(link) : undefined) ?? [];
  return date === undefined || id === undefined ? undefined : { date, id };
}
