/** One measured figure, and the baseline of the same run that it is held against. */
export interface Row {
  name: string;
  value: number;
  unit: string;
  baseline?: string;
  /** value / baseline, both of this run. */
  ratio?: number;
  aim?: string;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
