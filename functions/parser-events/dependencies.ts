/** What parser-events works with. Types only: index.ts makes the real ones, tests and the simulator their own. */

/**
 * Measurements of calls and answers, without the function's name: with it, the number of series would have no bound.
 */
export interface ParserMetrics {
  called(): void;
  /** Seconds, where the function has reported them. */
  answered(succeeded: boolean, seconds: number | undefined): void;
}

export interface ParserEventsDependencies {
  metrics: ParserMetrics;
}
