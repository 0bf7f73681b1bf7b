/** Counts the requests in flight, and waits for them to end. */

export class InFlight {
  #count = 0;
  #idle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) {
        for (const resolve of this.#idle.splice(0)) {
          resolve();
        }
      }
    }
  }

  /** Resolves to true as soon as nothing is in flight, and to false once `milliseconds` have passed. */
  async idle(milliseconds: number): Promise<boolean> {
    if (this.#count === 0) {
      return true;
    }
    const timer = Promise.withResolvers<boolean>();
    const timeout = setTimeout(() => timer.resolve(false), milliseconds);
    this.#idle.push(() => timer.resolve(true));
    const ended = await timer.promise;
    clearTimeout(timeout);
    return ended;
  }
}
