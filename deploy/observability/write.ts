/** `make dashboards`: the JSON of every board, and the rules as the object of the Prometheus Operator. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { dashboardJson } from './boards/board.ts';
import { broker } from './boards/broker.ts';
import { builds } from './boards/builds.ts';
import { functions, oneFunction } from './boards/functions.ts';
import { overview } from './boards/overview.ts';
import { scaling } from './boards/scaling.ts';

const HERE = import.meta.dirname;
export const RULES = join(HERE, 'rules/rules.yaml');
export const BOARDS = [overview, builds, functions, oneFunction, broker, scaling];

/** Path from here → text. */
export function observabilityFiles(): Record<string, string> {
  const boards = BOARDS.map((board): [string, string] => [`dashboards/${board.name}.json`, dashboardJson(board)]);
  return { ...Object.fromEntries(boards), 'rules/prometheus-rule.yaml': prometheusRule() };
}

function prometheusRule(): string {
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: {
      name: 'knative-lambda',
      labels: { 'app.kubernetes.io/part-of': 'knative-lambda', release: 'kube-prometheus-stack' },
    },
    spec: parse(readFileSync(RULES, 'utf8')),
  };
  return `# Written from rules.yaml by \`make dashboards\`.\n${stringify(rule, { lineWidth: 0 })}`;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(observabilityFiles())) {
    writeFileSync(resolve(HERE, path), text);
  }
}
