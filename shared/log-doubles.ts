/** Which lines of a log are new where it is read again from some seconds before its end. */
import { SECOND } from './durations.ts';

/**
 * Lines of several containers, and of the two outputs of one, come in another order than that of their times. So who
 * reads on begins so long before the last line, and leaves out what has been told.
 */
const OVERLAP = 5 * SECOND;
/** Lines that are remembered at most. */
const MANY = 100_000;

interface Line {
  /** RFC 3339. */
  time: string;
  pod: string;
  text: string;
}

export class LogDoubles {
  /** How often each was told, in the order in which they were told first. */
  readonly #told = new Map<string, { times: number; at: number }>();
  /** How often each has come in the reading that goes on. */
  #now = new Map<string, number>();
  #last = Number.NEGATIVE_INFINITY;

  /** From when on to read: RFC 3339. `first` is what the first reading began with. */
  begin(first: string | undefined): string | undefined {
    this.#now = new Map();
    const from = this.#last - OVERLAP;
    const begin = Date.parse(first ?? '');
    return Number.isFinite(from) && !(begin > from) ? new Date(from).toISOString() : first;
  }

  /** The same line may be written twice in a moment, so it is counted in each reading. */
  isNew({ time, pod, text }: Line): boolean {
    const at = Date.parse(time);
    this.#last = Math.max(this.#last, at);
    const key = `${time} ${pod} ${text}`;
    const times = (this.#now.get(key) ?? 0) + 1;
    this.#now.set(key, times);
    if (times <= (this.#told.get(key)?.times ?? 0)) {
      return false;
    }
    this.#told.set(key, { times, at });
    this.#forget();
    return true;
  }

  #forget(): void {
    const since = this.#last - 2 * OVERLAP;
    for (const [key, { at }] of this.#told) {
      if (at >= since && this.#told.size <= MANY) {
        return;
      }
      this.#told.delete(key);
      this.#now.delete(key);
    }
  }
}
