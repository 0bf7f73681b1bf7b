/** Every query of every board, rule and alert is PromQL, and names only metrics and labels that exist. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { BOARDS, observabilityFiles, RULES } from '#deploy/observability/write.ts';
import { METRICS } from '#docs/metrics-table.ts';
import others from '#test/fixtures/observability/others.json' with { type: 'json' };
import { filled, readQuery } from './promql.ts';

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: { summary: string; runbook: string };
}

const ROOT = new URL('../../../', import.meta.url);
const groups: { name: string; rules: Rule[] }[] = parse(readFileSync(RULES, 'utf8')).groups;
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.flatMap(({ alert, ...rule }) => (alert === undefined ? [] : [{ ...rule, alert }]));
const panels = BOARDS.flatMap(({ name: board, rows }) =>
  rows.flatMap((row) => row.panels.map((panel) => ({ board, ...panel }))),
);

/** Metric → its labels. */
const known = new Map<string, string[]>(Object.entries(others.metrics));
for (const { name, type, labels } of METRICS) {
  known.set(name, labels);
  if (type === 'histogram') {
    known.set(`${name}_bucket`, [...labels, 'le']);
    known.set(`${name}_count`, labels);
    known.set(`${name}_sum`, labels);
  }
}
for (const { record, expr, labels = {} } of rules) {
  if (record !== undefined) {
    known.set(record, [...readQuery(expr).grouping, ...Object.keys(labels)]);
  }
}

const queries = [
  ...rules.map(({ record, alert, expr }) => ({ where: `rule ${record ?? alert}`, expr })),
  ...panels.flatMap(({ board, title, queries }) => queries.map(({ expr }) => ({ where: `${board}: ${title}`, expr }))),
  ...BOARDS.flatMap(({ name, marks }) => (marks ? [{ where: `${name}: ${marks.title}`, expr: marks.expr }] : [])),
  ...BOARDS.flatMap(({ name, variables = {} }) =>
    Object.entries(variables).map(([label, query]) => {
      const [, expr = '', given] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
      return { where: `${name}: $${label}`, expr: `count by (${given}) (${expr})` };
    }),
  ),
];

test.each(queries)('$where', ({ expr }) => {
  const { errors, selectors, grouping } = readQuery(expr);
  expect(errors).toEqual([]);
  const unknown = selectors.flatMap(({ metric, labels }) => {
    const allowed = [...(known.get(metric) ?? []), ...others.target];
    const wrong = labels.filter((label) => !allowed.includes(label));
    return known.has(metric) ? wrong.map((label) => `${metric} has no label ${label}`) : [`there is no ${metric}`];
  });
  expect(unknown).toEqual([]);
  const all = [...others.target, ...selectors.flatMap(({ metric }) => known.get(metric) ?? [])];
  expect(grouping.filter((label) => !all.includes(label))).toEqual([]);
});

test.each(panels)(
  '$board: $title says what to do, and its legend can be filled in',
  ({ description, unit, queries }) => {
    expect(unit).toMatch(/^(s|short|cpm|reqps|percentunit|bytes)$/);
    expect(description).toMatch(/^\S.*\.$/);
    expect(description).not.toMatch(/\. /);
    for (const { expr, legend } of queries) {
      expect(legend).not.toBe('');
      const { grouping, selectors } = readQuery(expr);
      const labels = grouping.length > 0 ? grouping : selectors.flatMap(({ metric }) => known.get(metric) ?? []);
      const wanted = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '');
      expect(wanted.filter((label) => !labels.includes(label))).toEqual([]);
    }
  },
);

test('no two panels ask the same', () => {
  const asked = panels.flatMap(({ board, title, queries }) =>
    queries.map(({ expr }) => ({ where: `${board}: ${title}`, what: filled(expr).replace(/\s+/g, '') })),
  );
  const again = asked.filter(({ what }, index) => asked.findIndex((other) => other.what === what) !== index);
  expect(again.map(({ where }) => where)).toEqual([]);
});

test.each(Object.entries(observabilityFiles()))('%s is what `make dashboards` writes', (path, text) => {
  expect(readFileSync(join(ROOT.pathname, 'deploy/observability', path), 'utf8')).toBe(text);
});

test('panels have ids of their own, and targets a refId', () => {
  for (const [path, text] of Object.entries(observabilityFiles())) {
    const board = path.endsWith('.json') ? JSON.parse(text) : { panels: [] };
    const ids: number[] = board.panels.map(({ id }: { id: number }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets: { refId?: string }[] = board.panels.flatMap((panel: { targets?: [] }) => panel.targets ?? []);
    expect(targets.every(({ refId }) => refId !== undefined)).toBe(true);
  }
});

test.each(alerts)('$alert has its runbook, and its tests: fires, and resolves', ({ alert, annotations }) => {
  const runbooks = readFileSync(new URL('docs/runbooks.md', ROOT), 'utf8');
  expect(runbooks).toContain(`\n## ${alert}\n`);
  expect(annotations?.runbook).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
  const tested = ['alerts', 'deployments'].flatMap(
    (file) => parse(readFileSync(new URL(`test/observability/${file}.yaml`, ROOT), 'utf8')).tests,
  );
  const steps: { alertname: string; exp_alerts?: [] }[] = tested.flatMap((one) => one.alert_rule_test);
  const own = steps.filter(({ alertname }) => alertname === alert).map(({ exp_alerts = [] }) => exp_alerts.length > 0);
  expect(own).toContain(true);
  expect(own.lastIndexOf(false)).toBeGreaterThan(own.indexOf(true));
});
