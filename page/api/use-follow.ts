/** The lines of a stream, as state. They are taken over once a frame, however fast they come. */
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from './client.ts';
import { type FollowState, follow } from './follow.ts';

export interface Followed<Item> {
  items: readonly Item[];
  state: FollowState;
  error?: ApiError | undefined;
  /** Of the lines before, so many were let go. */
  dropped: number;
}

interface FollowOptions<Item> {
  /** Whether a stream that ends is asked for again. */
  endless: boolean;
  /** So many lines are kept. */
  max?: number;
  /** Where a stream that goes on may tell again what it has told. */
  keyOf?: (item: Item) => string;
}

/** Undefined as path: nothing is followed. */
export function useFollow<Item>(
  path: string | undefined,
  { endless, max = 20_000, keyOf }: FollowOptions<Item>,
): Followed<Item> {
  const [followed, setFollowed] = useState<Followed<Item>>({ items: [], state: 'connecting', dropped: 0 });
  useEffect(() => {
    setFollowed({ items: [], state: 'connecting', dropped: 0 });
    if (path === undefined) {
      return;
    }
    const controller = new AbortController();
    const seen = new Set<string>();
    let waiting: Item[] = [];
    let isAnew = false;
    let frame: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      frame = undefined;
      const [batch, anew] = [waiting, isAnew];
      waiting = [];
      isAnew = false;
      setFollowed((former) => {
        const all = anew ? batch : [...former.items, ...batch];
        const over = Math.max(0, all.length - max);
        return { ...former, items: over > 0 ? all.slice(over) : all, dropped: (anew ? 0 : former.dropped) + over };
      });
    };
    void follow<Item>(path, {
      endless,
      signal: controller.signal,
      onItems: (items, anew) => {
        if (anew) {
          waiting = [];
          isAnew = true;
        }
        waiting.push(...(keyOf ? items.filter((item) => isNew(seen, keyOf(item))) : items));
        // No animation frame: a page in the background has none.
        frame ??= setTimeout(flush, 16);
      },
      onState: (state, error) => setFollowed((former) => ({ ...former, state, error })),
    });
    return () => {
      controller.abort();
      clearTimeout(frame);
    };
  }, [path, endless, max]);
  return followed;
}

function isNew(seen: Set<string>, key: string): boolean {
  return seen.has(key) ? false : seen.add(key) !== undefined;
}
