/**
 * Whether a ratio has become worse, by more than it differs from run to run. Each kept ratio has a margin, which was
 * measured: how far the runs that it comes from lay apart.
 */

import { median } from './row.ts';

/** A ratio of each figure to its baseline of the same run. */
export type Ratios = Record<string, number>;

export interface Limit {
  /** The median of some runs. */
  ratio: number;
  /** What is worse by more than this share of the ratio is no noise. */
  margin: number;
}

export type Limits = Record<string, Limit>;

/** Figures that are better when they are larger. */
const LARGER_IS_BETTER = /a second$/;
/** Of some runs a median lies further off than these runs show. */
const SAFETY = 2;
const LEAST_MARGIN = 0.15;

/** Of at least two runs, one after the other. */
export function limitsOf(runs: Ratios[]): Limits {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, limitOf(runs.map((run) => run[name] ?? Number.NaN))]));
}

function limitOf(ratios: number[]): Limit {
  const middle = median(ratios);
  const spread = (Math.max(...ratios) - Math.min(...ratios)) / middle;
  return { ratio: rounded(middle), margin: rounded(Math.max(LEAST_MARGIN, SAFETY * spread)) };
}

const rounded = (value: number) => Number(value.toPrecision(3));

/** Names of the figures that are worse than kept, by more than noise. */
export function worse(limits: Limits, ratios: Ratios): string[] {
  return Object.keys(limits).filter((name) => {
    const { ratio, margin } = limits[name] as Limit;
    const measured = ratios[name] ?? Number.NaN;
    const isWithin = LARGER_IS_BETTER.test(name) ? measured >= ratio / (1 + margin) : measured <= ratio * (1 + margin);
    return !isWithin;
  });
}

/** For people: what was measured, what is kept, and what to do. */
export function sentenceFor(name: string, limits: Limits, ratios: Ratios): string {
  const { ratio = Number.NaN, margin = 0 } = limits[name] ?? {};
  const measured = ratios[name];
  if (measured === undefined) {
    return `${name} was not measured, but bench/limits.json has it: measure it, or write the file anew (make bench-gate UPDATE=1)`;
  }
  const direction = LARGER_IS_BETTER.test(name) ? 'less' : 'more';
  return `${name} is ${measured.toFixed(2)} × its baseline, which is ${direction} than the kept ${ratio} and its noise of ${Math.round(margin * 100)} %, twice in a row: mend it, or, where it is worth that, write bench/limits.json anew (make bench-gate UPDATE=1)`;
}
