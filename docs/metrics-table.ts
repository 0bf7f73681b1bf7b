/** docs/metrics.md, from the registry that the functions fill: `npm run docs` writes it, a test compares it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Metric } from 'prom-client';
import { createPackingMetrics } from '#functions/build-start/metrics.ts';
import { createLetterMetrics } from '#functions/dead-letter/metrics.ts';
import { createCallMetrics } from '#functions/parser-events/metrics.ts';
import { createBuildMetrics } from '#functions/recorder/metrics.ts';
import { createSweepMetrics } from '#functions/sweep/metrics.ts';
import { registry } from '#shared/telemetry/metrics.ts';
import '#shared/telemetry/upstream-metrics.ts';

const FILE = join(resolve(import.meta.dirname, '..'), 'docs/metrics.md');
const EVERY = 'every function';
const LOST = 'knative_lambda_call_numbers_lost_total';

export interface KnownMetric {
  name: string;
  type: string;
  unit: string;
  labels: string[];
  function: string;
  help: string;
}

/** prom-client says these of each metric, but not in its types. */
type Described = Metric & { name: string; help: string; type?: string; labelNames: string[] };

export const METRICS: KnownMetric[] = await collect();

/** Names as `/metrics` of this function has them. */
export function metricsOf(name: string): string[] {
  return METRICS.filter((metric) => metric.function === EVERY || metric.function === name).map((metric) => metric.name);
}

async function collect(): Promise<KnownMetric[]> {
  const makers: [string, () => unknown][] = [
    ['build-start', createPackingMetrics],
    ['recorder', createBuildMetrics],
    ['parser-events', () => createCallMetrics({ functions: 1, leaveOut: [], now: () => new Date() })],
    ['dead-letter', createLetterMetrics],
    ['sweep', createSweepMetrics],
  ];
  const owners = new Map(namesNow().map((name) => [name, name === LOST ? 'parser-events' : EVERY]));
  for (const [owner, make] of makers) {
    make();
    for (const name of namesNow().filter((name) => !owners.has(name))) {
      owners.set(name, owner);
    }
  }
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
  return described().map(({ name, help, labelNames }) => ({
    name,
    type: types.get(name) ?? '',
    unit: /_(seconds|bytes)(_total)?$/.exec(name)?.[1] ?? '',
    labels: labelNames,
    function: owners.get(name) ?? '',
    help,
  }));
}

function described(): Described[] {
  return registry.getMetricsAsArray() as unknown as Described[];
}

function namesNow(): string[] {
  return described().map(({ name }) => name);
}

export function metricsPage(): string {
  const head = ['metric', 'type', 'unit', 'labels', 'function', 'meaning'];
  const rows = METRICS.map(({ name, type, unit, labels, help, ...metric }) => [
    `\`${name}\``,
    type,
    unit,
    labels.join(', '),
    metric.function,
    help.replaceAll('|', '\\|'),
  ]);
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return readFileSync(FILE, 'utf8').replace(
    /(<!-- metrics -->\n)[\s\S]*?(<!-- end -->)/,
    (_all, begin: string, end: string) => `${begin}${table}\n${end}`,
  );
}

if (import.meta.main) {
  writeFileSync(FILE, metricsPage());
}
