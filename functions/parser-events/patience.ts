/** How long a call waits for a function that is not ready, and which of its tries is the last one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { remember } from '#shared/remember.ts';

/** The Broker tries six times, with pauses of 2, 4, 8, 16 and 32 s, and each try waits for 4 s. */
const LAST_TRY = 58 * SECOND;
const LOOKS = 8;
const BETWEEN_LOOKS = SECOND / 2;
/** Longer than between any two tries: what comes after that was sent anew, or is the replay of a dead letter. */
const FORGOTTEN_AFTER = 2 * MINUTE;
const MOST_WAITING = 10_000;

export interface Patience {
  /**
   * Looks again every half second, for 4 s at most, until the function is another. A dispatcher keeps the place of a
   * call while it pauses as well, so waiting here costs no more, and a new function is called as soon as it is ready.
   */
  lookAgain<Found>(found: Found, isComing: (found: Found) => boolean, look: () => Promise<Found>): Promise<Found>;
  /** Whether this try is the last one, as far as this process knows. Otherwise the Broker keeps a dead letter. */
  isOver(call: { source: string; id: string }): boolean;
}

export function createPatience(
  now: () => Date,
  pause = (milliseconds: number): Promise<unknown> => sleep(milliseconds),
): Patience {
  const waiting = new Map<string, { since: number; seen: number }>();
  return {
    async lookAgain(first, isComing, look) {
      let found = first;
      for (let looks = 0; looks < LOOKS && isComing(found); looks++) {
        await pause(BETWEEN_LOOKS);
        found = await look();
      }
      return found;
    },
    isOver({ source, id }) {
      const key = JSON.stringify([source, id]);
      const time = now().getTime();
      const before = waiting.get(key);
      const since = before && time - before.seen < FORGOTTEN_AFTER ? before.since : time;
      if (time - since >= LAST_TRY) {
        waiting.delete(key);
        return true;
      }
      remember(waiting, key, { since, seen: time }, MOST_WAITING);
      return false;
    },
  };
}
