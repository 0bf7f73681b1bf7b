/** Remembers since when a call waits for its function, so that the last try is known and ends in an answer. */
import { SECOND } from '#shared/durations.ts';

/** The Broker tries six times: at once, and after 2, 6, 14, 30 and 62 s. */
const LAST_TRY = 58 * SECOND;
const MOST_WAITING = 10_000;

export interface Patience {
  /** Whether this try is the last one, as far as this process knows. Otherwise the Broker keeps a dead letter. */
  isOver(call: { source: string; id: string }): boolean;
}

export function createPatience(now: () => Date): Patience {
  const since = new Map<string, number>();
  return {
    isOver({ source, id }) {
      const key = JSON.stringify([source, id]);
      const first = since.get(key) ?? now().getTime();
      if (now().getTime() - first >= LAST_TRY) {
        since.delete(key);
        return true;
      }
      since.set(key, first);
      const [oldest] = since.keys();
      if (since.size > MOST_WAITING && oldest !== undefined) {
        since.delete(oldest);
      }
      return false;
    },
  };
}
