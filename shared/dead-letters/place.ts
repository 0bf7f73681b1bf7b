/**
 * The keys of a letter, and its state. Beside `dead-letters/{yyyy-mm-dd}/{id}.json` there is a small object for each
 * replay that was sent, and one for each replay that failed:
 *
 *     {id}.json                    open
 *     {id}.json .replayed-1                replayed: it has not failed since
 *     {id}.json .replayed-1 .failed-1      open again, after one replay
 *
 * So dead-letter and dead-letter-replay never write the same object, and need no compare-and-swap, which not every S3
 * store supports. The order of the writes does not matter: a replay may fail before it is marked as sent.
 */
import { DEAD_LETTERS } from '#shared/specs/s3-keys.ts';

export type Mark = 'replayed' | 'failed';

export interface LetterPlace {
  date: string;
  id: string;
  /** The number of the last replay that was sent; 0 for none. */
  replayed: number;
  /** The number of the last replay that failed; 0 for none. */
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

/** The number of the next replay. */
export function nextReplay({ replayed, failed }: LetterPlace): number {
  return Math.max(replayed, failed) + 1;
}

/** The keys of the letter and its marks. */
export function keysOf(place: LetterPlace): string[] {
  const marks = Array.from({ length: Math.max(place.replayed, place.failed) }, (_, index) => index + 1);
  return [letterKey(place), ...marks.flatMap((n) => [markKey(place, 'replayed', n), markKey(place, 'failed', n)])];
}

/** Undefined where the key is neither a letter's nor a mark's. */
export function readKey(key: string): (Named & { mark?: { kind: Mark; n: number } }) | undefined {
  const [, date, id, kind, n] = KEY.exec(key) ?? [];
  if (date === undefined || id === undefined) {
    return undefined;
  }
  return { date, id, ...(kind === undefined ? {} : { mark: { kind: kind as Mark, n: Number(n) } }) };
}

/** The value of the extension `replayof` of a replayed event: finds its letter without a list. */
export function linkTo({ date, id }: Named): string {
  return `${date}/${id}`;
}

export function readLink(link: unknown): Named | undefined {
  const [, date, id] = (typeof link === 'string' ? LINK.exec(link) : undefined) ?? [];
  return date === undefined || id === undefined ? undefined : { date, id };
}
