/** What several tell and one reads. */
export class Inbox<T extends { step: string }> {
  readonly #items: T[] = [];
  readonly #seen = new Map<string, T>();
  #error: { cause: unknown } | undefined;
  #waiting: (() => void)[] = [];

  put(item: T): void {
    this.#seen.set(item.step, item);
    this.#items.push(item);
    this.#wake();
  }

  fail(cause: unknown): void {
    this.#error = { cause };
    this.#wake();
  }

  last<Step extends T['step']>(step: Step): Extract<T, { step: Step }> | undefined {
    return this.#seen.get(step) as Extract<T, { step: Step }> | undefined;
  }

  async once(step: T['step'], signal: AbortSignal): Promise<void> {
    while (!this.#seen.has(step) && !signal.aborted) {
      await this.#change();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      yield* this.#items.splice(0);
      if (this.#error) {
        throw this.#error.cause;
      }
      if (this.#items.length === 0) {
        await this.#change();
      }
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) {
      resolve();
    }
  }
}
