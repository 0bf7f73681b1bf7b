/** Several sources, one reader: what is put in is read in the same order. */

export interface Channel<Item> extends AsyncIterable<Item> {
  put(item: Item): void;
  /** What was put in before is still read. */
  end(error?: unknown): void;
}

/** A reader that falls behind by more than `most` items is ended: it comes again, and goes on where it was. */
export function createChannel<Item>(signal: AbortSignal, most = 10_000): Channel<Item> {
  const items: Item[] = [];
  let isOver = signal.aborted;
  let failure: { error: unknown } | undefined;
  let wake = Promise.withResolvers<void>();
  const end = (error?: unknown) => {
    isOver = true;
    failure ??= error === undefined ? undefined : { error };
    wake.resolve();
  };
  signal.addEventListener('abort', () => end(), { once: true });

  return {
    put(item) {
      if (isOver) {
        return;
      }
      if (items.length >= most) {
        end();
        return;
      }
      items.push(item);
      wake.resolve();
    },
    end,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) {
          yield item;
        } else if (isOver) {
          if (failure) {
            throw failure.error;
          }
          return;
        } else {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      }
    },
  };
}
