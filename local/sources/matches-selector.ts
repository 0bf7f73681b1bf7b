/** A LabelSelector as objects write it: matchLabels and matchExpressions, all of which must hold. */
import { parseLabelSelector } from '#local/kubernetes/label-selector.ts';

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** No selector, like an empty one, selects everything. Throws where an operator is none. */
export function matchesSelector(selector: LabelSelector = {}): (labels: Record<string, string>) => boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const terms = matchExpressions.map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
      case 'NotIn':
        return `${key} ${operator.toLowerCase()} (${values})`;
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        throw new Error(`the operator of a label selector must be In, NotIn, Exists or DoesNotExist, not ${operator}`);
    }
  });
  return parseLabelSelector([...Object.entries(matchLabels).map((pair) => pair.join('=')), ...terms].join());
}
