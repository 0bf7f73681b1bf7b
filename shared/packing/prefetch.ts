/** Starts work ahead of its consumer, a bounded number of items at a time, and hands the results over in order. */

/** Where the consumer stops early, what was started is awaited, so that nothing goes on behind its back. */
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
      // It may fail long before its turn: the failure is seen when it is awaited.
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
