/** How much of the history is kept, and how far the removal of the rest has come. */

export interface HistoryBounds {
  /** HISTORY_DAYS. */
  days: number;
  /** Of one function. */
  calls: number;
  /** Of one tenant. */
  builds: number;
}

export const HISTORY_BOUNDS = { calls: 10_000, builds: 10_000 };

/** Where the pass is. Lost with the process, which then begins anew: nothing depends on it. */
export interface HistoryPlace {
  isBusy: boolean;
  prefix: number;
  after: string | undefined;
  /** Of the function, or tenant, that the place is in: how many of the newest have been passed. */
  group: string;
  passed: number;
}

export function beginning(): HistoryPlace {
  return { isBusy: false, prefix: 0, after: undefined, group: '', passed: 0 };
}
