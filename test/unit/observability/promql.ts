/** What a query asks for: its metrics with their labels, and the labels that it groups by. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Asked {
  /** Where it is no PromQL. */
  errors: string[];
  selectors: { metric: string; labels: string[] }[];
  grouping: string[];
}

/** Grafana's own variables, as it would fill them in. */
export function filled(expr: string): string {
  return expr.replace(/\$__(?:rate_interval|interval|range)\b/g, '5m').replace(/\$\{?\w+\}?/g, 'x');
}

export function readQuery(expr: string): Asked {
  const text = filled(expr);
  const asked: Asked = { errors: [], selectors: [], grouping: [] };
  const parents: string[] = [];
  parser.parse(text).iterate({
    enter: ({ name, type, from, to }) => {
      const word = text.slice(from, to);
      if (type.isError) {
        asked.errors.push(`at ${from}: ${text.slice(from, from + 20)}`);
      } else if (name === 'VectorSelector') {
        asked.selectors.push({ metric: '', labels: [] });
      } else if (name === 'Identifier' && parents.at(-1) === 'VectorSelector') {
        Object.assign(asked.selectors.at(-1) ?? {}, { metric: word });
      } else if (name === 'LabelName') {
        (parents.at(-1) === 'GroupingLabels' ? asked.grouping : asked.selectors.at(-1)?.labels)?.push(word);
      }
      parents.push(name);
    },
    leave: () => void parents.pop(),
  });
  return asked;
}
