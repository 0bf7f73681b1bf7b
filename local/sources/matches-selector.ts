/** A LabelSelector as objects write it, of which matchLabels is emulated. */

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: unknown[];
}

/** No selector, like an empty one, selects everything. Throws where it has matchExpressions. */
export function matchesSelector(selector: LabelSelector = {}): (labels: Record<string, string>) => boolean {
  if (selector.matchExpressions?.length) {
    throw new Error('of a label selector only matchLabels is emulated');
  }
  const wanted = Object.entries(selector.matchLabels ?? {});
  return (labels) => wanted.every(([key, value]) => labels[key] === value);
}
