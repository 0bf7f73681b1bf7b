/** What was started, to be ended in the opposite order, once, whatever fails on the way. */

type Close = () => void | Promise<void> | undefined;

export class Closers {
  readonly #steps: Close[] = [];
  #closing: Promise<void> | undefined;

  add(close: Close): void {
    this.#steps.push(close);
  }

  /** Goes on after a step that fails, and throws the first failure at the end. Again: the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) {
      throw failures[0];
    }
  }
}
