/** Puts a letter where a duplicate of it finds it again. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { type DeadLetter, letterText } from '#shared/dead-letters/letter.ts';
import { createLetterBox } from '#shared/dead-letters/letter-box.ts';
import { letterKey, readLink } from '#shared/dead-letters/place.ts';
import { poisoned } from '#shared/dead-letters/poison.ts';
import { asRetryable } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';

export interface Keeping {
  store: Pick<ObjectStore, 'list' | 'read' | 'write' | 'remove'>;
  temporaryBucket: string;
  now: () => Date;
}

/**
 * One object for one event at one subscriber, however often it comes. Two copies that are kept in the same moment count as one: nothing else is lost,
 * since whether the letter is open does not stand in it (place.ts).
 */
export async function keepLetter(letter: DeadLetter, event: ReceivedEvent<unknown>, deps: Keeping): Promise<void> {
  const { store, temporaryBucket, now } = deps;
  const box = createLetterBox(store, temporaryBucket);
  const { link, n } = replayOf(letter);
  const isItsOwn = link?.id === letter.id;
  const place = { id: letter.id, date: isItsOwn ? link.date : dayOf(event, now()) };
  try {
    const before = await box.read(place);
    const replays = Math.max(isItsOwn ? n : 0, before?.replays ?? 0);
    const kept: DeadLetter = {
      ...letter,
      count: (before?.count ?? 0) + 1,
      first_at: before?.first_at || letter.first_at,
      ...(replays > 0 ? { replays } : {}),
      ...(link && !isItsOwn ? { replay_of: link.id } : {}),
    };
    if (isItsOwn) {
      await box.mark(place, 'failed', n, now());
    }
    await store.write(temporaryBucket, letterKey(place), letterText(poisoned(kept)), 'application/json');
  } catch (error) {
    // Where S3 refuses us for good the letter must still not count as taken.
    throw asRetryable(error);
  }
}

/** Anybody can write these extensions; what is none of ours is none. */
function replayOf({ event }: DeadLetter): { link: ReturnType<typeof readLink>; n: number } {
  const n = Number(/^\d{1,3}$/.exec(String(event['replays']))?.[0] ?? 0);
  return { link: n > 0 ? readLink(event['replayof']) : undefined, n };
}

/** By the event's own time where it tells one, so that a redelivery after midnight finds the same object. */
function dayOf(event: ReceivedEvent<unknown>, now: Date): string {
  const told = new Date(event.time ?? Number.NaN);
  // Brokers say year 1 where the sender said nothing.
  const usable = told.getUTCFullYear() >= 2000 && told <= now;
  return (usable ? told : now).toISOString().slice(0, 10);
}
