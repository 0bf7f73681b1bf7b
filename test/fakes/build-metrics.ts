/** For those who ask what recorder keeps, not what it counts. */
import type { BuildMetrics } from '#functions/recorder/metrics.ts';

export const uncountedBuilds: BuildMetrics = { ended: () => undefined, took: () => undefined, phase: () => undefined };
