/** Stores a letter under a key that depends on the event and its subscriber, so that a duplicate replaces it. */
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
  /** Told of each letter that was not there before. */
  kept?: (letter: DeadLetter) => void;
}

/**
 * Keeps one object for an event at a subscriber, however often it is delivered. Two copies that are stored at the same
 * time count as one. Nothing else is lost, since the state of the letter is not in the object (place.ts).
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
    const final = poisoned(kept);
    await store.write(temporaryBucket, letterKey(place), letterText(final), 'application/json');
    if (!before) {
      deps.kept?.(final);
    }
  } catch (error) {
    // Even where S3 refuses us for good, the Broker must keep the letter and deliver it again.
    throw asRetryable(error);
  }
}

/** Any sender can set these extensions, so values that we would not write are ignored. */
function replayOf({ event }: DeadLetter): { link: ReturnType<typeof readLink>; n: number } {
  const n = Number(/^\d{1,3}$/.exec(String(event['replays']))?.[0] ?? 0);
  return { link: n > 0 ? readLink(event['replayof']) : undefined, n };
}

/** The day of the event's own time, where it has one, so that a redelivery after midnight finds the same object. */
function dayOf(event: ReceivedEvent<unknown>, now: Date): string {
  const sent = new Date(event.time ?? Number.NaN);
  // Brokers write year 1 where the sender gave no time.
  const isUsable = sent.getUTCFullYear() >= 2000 && sent <= now;
  return (isUsable ? sent : now).toISOString().slice(0, 10);
}
