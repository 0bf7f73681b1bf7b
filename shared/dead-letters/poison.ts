/** What fails again and again although it was sent again by hand. */
import type { Reason } from '#shared/events/reasons.ts';
import type { DeadLetter } from './letter.ts';

/** Two replays that came back. */
export const POISON_AFTER = 2;

/** The subscriber was there and failed on it. What was away, overloaded or not mended says nothing about the event. */
const FAILED_ON_IT = new Set<Reason>(['Unavailable', 'Timeout', 'ReplyNotDelivered']);

/**
 * Poison is an event that has come back from two replays, or more, from the same subscriber, and that at last because the subscriber failed on it:
 * a 5xx, 409 or time-out at every attempt, or a reply that cannot be sent on. A refused event is permanent anyway and keeps the reason of its refusal.
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
