/**
 * Starts work on the next items before they are needed, a bounded number at a time, and yields the results in order.
 */

/** If the consumer stops early, waits for the work that was started, so that nothing goes on in the background. */
export async function* prefetch<Item, Result>(
  items: Iterable<Item>,
  ahead: number,
  start: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, undefined, undefined> {
  const iterator = items[Symbol.iterator]();
  const started: Promise<Result>[] = [];
  const fill = () => {
    while (started.length < ahead) {
      const next = iterator.next();
      if (next.done) {
        return;
      }
      const result = start(next.value);
      // It may fail before it is awaited. Without this the process would end with an unhandled rejection.
      result.catch(() => undefined);
      started.push(result);
    }
  };
  try {
    for (fill(); started.length > 0; fill()) {
      yield await (started.shift() as Promise<Result>);
    }
    return undefined;
  } finally {
    await Promise.allSettled(started);
  }
}
