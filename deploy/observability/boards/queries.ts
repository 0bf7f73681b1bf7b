/** Queries that many panels ask: of what the recording rules count (rules/rules.yaml). */

const HERE = 'namespace=~"$namespace"';

/** What was added in `range`. `metric`: without its level and `:increase1m`; `where`: more label matchers. */
export function added(metric: string, by: string, where = '', range = '5m', level = 'namespace'): string {
  return `sum by (${by}) (sum_over_time(${level}:knative_lambda_${metric}:increase1m{${HERE}${where && `, ${where}`}}[${range}]))`;
}

/** A quantile of the histogram `metric`. */
export function quantile(
  q: number,
  metric: string,
  by: string,
  where = '',
  range = '15m',
  level = 'namespace',
): string {
  return `histogram_quantile(${q}, ${added(`${metric}_bucket`, by ? `le, ${by}` : 'le', where, range, level)})`;
}

/** A gauge of sweep, of which one pod after another tells. */
export function latest(metric: string, by = 'namespace'): string {
  return `max by (${by}) (knative_lambda_${metric}{${HERE}})`;
}
