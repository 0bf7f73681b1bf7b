/** How much is asked of a revision: averages over time of its concurrency (served and waiting) and of its requests. */

interface Slice {
  /** Milliseconds; when the slice ended. */
  end: number;
  length: number;
  /** Requests × milliseconds. */
  concurrency: number;
  arrivals: number;
}

export class Demand {
  readonly #slices: Slice[] = [];
  #keepMilliseconds: number;
  #current = 0;
  #changedAt: number;
  #open: Slice;

  constructor(now: number, keepMilliseconds: number) {
    this.#keepMilliseconds = keepMilliseconds;
    this.#changedAt = now;
    this.#open = { end: now, length: 0, concurrency: 0, arrivals: 0 };
  }

  /** Requests in flight and waiting, at this moment. */
  get current(): number {
    return this.#current;
  }

  /** Once for each request, however it fares. */
  count(): void {
    this.#open.arrivals += 1;
  }

  enter(now: number): void {
    this.#account(now);
    this.#current += 1;
  }

  leave(now: number): void {
    this.#account(now);
    this.#current -= 1;
  }

  /** Closes a slice; called at every tick, since averages see closed slices only. */
  tick(now: number): void {
    this.#account(now);
    this.#slices.push(this.#open);
    this.#open = { end: now, length: 0, concurrency: 0, arrivals: 0 };
    const oldest = now - this.#keepMilliseconds;
    while (this.#slices[0] && this.#slices[0].end <= oldest) {
      this.#slices.shift();
    }
  }

  /**
   * Per second where requests are counted. Over the time that is known, where that is shorter than the window: a
   * burst from zero must not be thinned by a silence that nobody measured.
   */
  average(metric: 'concurrency' | 'rps', windowMilliseconds: number, now: number): number {
    let length = 0;
    let sum = 0;
    for (let index = this.#slices.length - 1; index >= 0; index -= 1) {
      const slice = this.#slices[index];
      if (!slice || slice.end <= now - windowMilliseconds) {
        break;
      }
      length += slice.length;
      sum += metric === 'rps' ? slice.arrivals * 1000 : slice.concurrency;
    }
    return length === 0 ? 0 : sum / length;
  }

  /**
   * What came before no longer counts: from zero, the time without pods says nothing about the burst that wakes them.
   */
  forget(): void {
    this.#slices.length = 0;
  }

  #account(now: number): void {
    const passed = Math.max(0, now - this.#changedAt);
    this.#open.length += passed;
    this.#open.concurrency += passed * this.#current;
    this.#open.end = now;
    this.#changedAt = now;
  }
}
