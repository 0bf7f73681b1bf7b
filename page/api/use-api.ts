/** What the API says, as state of a component: fresh after every event that is about it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { EventLine } from '#shared/api/schemas.ts';
import { SECOND } from '#shared/durations.ts';
import { ApiError, query, read } from './client.ts';
import { onEvents } from './live.ts';

/** Events come in bursts: one look after each. */
const BURST = 120;

interface Freshness {
  /** Look again after such an event. */
  about?: (event: EventLine) => boolean;
  /** Look again after so many milliseconds, whether there was an event or not. */
  every?: number;
}

export interface Resource<Item> {
  data?: Item | undefined;
  error?: ApiError | undefined;
  loading: boolean;
  refresh: () => void;
}

/** Undefined as path: nothing is asked for. What was there stays while the same path is asked for again. */
export function useResource<Item>(
  path: string | undefined,
  { about, every = 20 * SECOND }: Freshness = {},
): Resource<Item> {
  const [state, setState] = useState<{ path?: string | undefined; data?: Item; error?: ApiError }>({});
  const refresh = useFresh(
    async (signal) => {
      if (path === undefined) {
        return;
      }
      try {
        const data = await read<Item>(path, signal);
        setState({ path, data });
      } catch (error) {
        if (!signal.aborted) {
          setState((former) => ({
            path,
            error: apiError(error),
            // What is gone is not shown any more; what cannot be had for a moment is.
            ...(former.path === path && former.data !== undefined && !isGone(error) ? { data: former.data } : {}),
          }));
        }
      }
    },
    path,
    { every, ...(about ? { about } : {}) },
  );
  const current = state.path === path ? state : {};
  const { data, error } = current;
  return { data, error, loading: path !== undefined && data === undefined && error === undefined, refresh };
}

export interface List<Item> {
  items: readonly Item[];
  error?: ApiError | undefined;
  loading: boolean;
  /** Whether there are more than `items`. */
  hasMore: boolean;
  more: () => void;
  refresh: () => void;
}

interface ListOptions<Item> extends Freshness {
  keyOf: (item: Item) => string;
  /** `first`: new items come on top, so the first page is all that changes; `all`: any item may change. */
  changes: 'first' | 'all';
}

const PAGE = 200;

export function useList<Item>(
  path: string,
  fields: Record<string, string | undefined>,
  { keyOf, changes, ...freshness }: ListOptions<Item>,
): List<Item> {
  type Loaded = {
    address: string;
    items: Item[];
    pages: number;
    next?: string | undefined;
    error?: ApiError | undefined;
  };
  const address = `${path}${query(fields)}`;
  const [loaded, setLoaded] = useState<Loaded>();
  const latest = useRef<Loaded>(undefined);
  latest.current = loaded?.address === address ? loaded : undefined;
  const keep = useRef(keyOf);
  keep.current = keyOf;

  const page = useCallback(
    (cursor: string | undefined, signal?: AbortSignal) =>
      read<{ items: Item[]; next_cursor?: string }>(`${path}${query({ ...fields, limit: PAGE, cursor })}`, signal),
    [address],
  );

  const refresh = useFresh(
    async (signal) => {
      const former = latest.current;
      try {
        const wanted = changes === 'all' ? Math.max(1, former?.pages ?? 1) : 1;
        const items: Item[] = [];
        let next: string | undefined;
        for (let index = 0; index < wanted && (index === 0 || next !== undefined); index += 1) {
          const answer = await page(next, signal);
          items.push(...answer.items);
          next = answer.next_cursor;
        }
        const older = changes === 'first' && former && former.pages > 1 ? former : undefined;
        setLoaded({
          address,
          items: older ? merged(items, older.items, keep.current) : items,
          pages: older?.pages ?? wanted,
          next: older ? older.next : next,
        });
      } catch (error) {
        if (!signal.aborted) {
          setLoaded({ items: [], pages: 0, ...latest.current, address, error: apiError(error) });
        }
      }
    },
    address,
    freshness,
  );

  const isLoadingMore = useRef(false);
  const more = useCallback(() => {
    const former = latest.current;
    if (former?.next === undefined || isLoadingMore.current) {
      return;
    }
    isLoadingMore.current = true;
    page(former.next)
      .then((answer) => {
        setLoaded((current) =>
          current?.address === address && current.next === former.next
            ? {
                ...current,
                items: merged(current.items, answer.items, keep.current),
                pages: current.pages + 1,
                next: answer.next_cursor,
              }
            : current,
        );
      })
      .catch((error: unknown) => setLoaded((current) => current && { ...current, error: apiError(error) }))
      .finally(() => {
        isLoadingMore.current = false;
      });
  }, [address]);

  const current = latest.current;
  return {
    items: current?.items ?? [],
    error: current?.error,
    loading: current === undefined,
    hasMore: current?.next !== undefined,
    more,
    refresh,
  };
}

/** Those of `upper` first; of what is in both, the one of `upper`. */
function merged<Item>(upper: readonly Item[], lower: readonly Item[], keyOf: (item: Item) => string): Item[] {
  const known = new Set(upper.map(keyOf));
  return [...upper, ...lower.filter((item) => !known.has(keyOf(item)))];
}

/** The gateway may know for ten seconds what was before an event. */
const LATE = 11_000;

/** Runs `look` now, and again whenever it has to; never twice at a time. */
function useFresh(
  look: (signal: AbortSignal) => Promise<void>,
  of: string | undefined,
  { about, every }: Freshness,
): () => void {
  const wanted = useRef({ look, about });
  wanted.current = { look, about };
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    const controller = new AbortController();
    let isBusy = false;
    let isWanted = false;
    let burst: ReturnType<typeof setTimeout> | undefined;
    let late: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      isWanted = isBusy;
      if (isBusy) {
        return;
      }
      isBusy = true;
      await wanted.current.look(controller.signal);
      isBusy = false;
      if (isWanted && !controller.signal.aborted) {
        soon();
      }
    };
    const soon = () => {
      burst ??= setTimeout(() => {
        burst = undefined;
        void run();
      }, BURST);
    };
    again.current = () => void run();
    void run();
    const unsubscribe = onEvents((batch) => {
      if (wanted.current.about && batch.some(wanted.current.about)) {
        soon();
        clearTimeout(late);
        late = setTimeout(soon, LATE);
      }
    });
    const timer =
      every === undefined ? undefined : setInterval(() => document.visibilityState === 'visible' && soon(), every);
    const onVisible = () => document.visibilityState === 'visible' && soon();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      controller.abort();
      unsubscribe();
      clearTimeout(burst);
      clearTimeout(late);
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [of, every]);
  return useCallback(() => again.current(), []);
}

function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 403 || error.status === 401);
}

function apiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(0, { reason: 'Unavailable', detail: error instanceof Error ? error.message : String(error) });
}
