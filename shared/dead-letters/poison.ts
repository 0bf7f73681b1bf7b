/** Poison: events that keep failing although they have been replayed. */
import type { Reason } from '#shared/events/reasons.ts';
import type { DeadLetter } from './letter.ts';

/** Failed replays. */
export const POISON_AFTER = 2;

/**
 * Reasons that blame the event. A subscriber that is down, overloaded or not repaired yet says nothing about the event.
 */
const FAILED_ON_IT = new Set<Reason>(['Unavailable', 'Timeout', 'ReplyNotDelivered']);

/**
 * An event is poison where two replays or more have failed at the same subscriber, the last one because the subscriber
 * failed on the event: a 5xx, 409 or time-out at every attempt, or a reply that could not be sent. A refused event is
 * permanent anyway, and keeps the reason of its refusal.
 */
export function poisoned(letter: DeadLetter): DeadLetter {
  const { replays = 0, category, reason, code } = letter;
  if (replays < POISON_AFTER || category !== 'transient' || !FAILED_ON_IT.has(reason) || code === -1) {
    return letter;
  }
  return {
    ...letter,
    category: 'permanent',
    reason: 'Poison',
    message: `Replayed ${replays} times, and each time it came back, at last as ${reason}. Find out what in this event the subscriber fails on. ${letter.message ?? ''}`,
  };
}
