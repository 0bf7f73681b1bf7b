/** What parser-events works with. Types only: index.ts makes the real ones, tests and the simulator their own. */

/** What is measured of the answers. Without the function's name: one series a function would grow without bound. */
export interface ParserMetrics {
  called(): void;
  /** Seconds, where the function told them. */
  answered(succeeded: boolean, seconds: number | undefined): void;
}

export interface ParserEventsDependencies {
  metrics: ParserMetrics;
}
