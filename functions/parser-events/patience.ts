/** Remembers since when a call waits for its function, so that the last try is known and ends in an answer. */
import { MINUTE, SECOND } from '#shared/durations.ts';

/** The Broker tries six times: at once, and after 2, 6, 14, 30 and 62 s. */
const LAST_TRY = 58 * SECOND;
/** Longer than between any two tries: what comes after that was sent anew, or is the replay of a dead letter. */
const FORGOTTEN_AFTER = 2 * MINUTE;
const MOST_WAITING = 10_000;

export interface Patience {
  /** Whether this try is the last one, as far as this process knows. Otherwise the Broker keeps a dead letter. */
  isOver(call: { source: string; id: string }): boolean;
}

export function createPatience(now: () => Date): Patience {
  const waiting = new Map<string, { since: number; seen: number }>();
  return {
    isOver({ source, id }) {
      const key = JSON.stringify([source, id]);
      const time = now().getTime();
      const before = waiting.get(key);
      const since = before && time - before.seen < FORGOTTEN_AFTER ? before.since : time;
      waiting.delete(key);
      if (time - since >= LAST_TRY) {
        return true;
      }
      waiting.set(key, { since, seen: time });
      const [oldest] = waiting.keys();
      if (waiting.size > MOST_WAITING && oldest !== undefined) {
        waiting.delete(oldest);
      }
      return false;
    },
  };
}
