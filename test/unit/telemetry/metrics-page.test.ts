/** docs/metrics.md names every metric; names and labels are Prometheus' own way. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { METRICS, metricsPage } from '#docs/metrics-table.ts';
import { registry } from '#shared/telemetry/metrics.ts';

test('is what `npm run docs` writes', () => {
  expect(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toBe(metricsPage());
});

test.each(METRICS)('$name is named by the conventions', ({ name, type, labels, help }) => {
  expect(name).toMatch(/^knative_lambda_[a-z0-9]+(_[a-z0-9]+)*$/);
  expect(name.endsWith('_total')).toBe(type === 'counter');
  expect(name).not.toMatch(/_(milliseconds|minutes|kilobytes|count|sum|bucket)$/);
  expect(
    labels.filter((label) => !/^[a-z][a-z_]*$/.test(label) || ['le', 'quantile', 'instance'].includes(label)),
  ).toEqual([]);
  expect(help).toMatch(/^\S.*\.$/);
});

test('every series begins at 0', async () => {
  const counted = (await registry.metrics()).split('\n').filter((line) => /^[a-z].* [1-9]/.test(line));
  expect(counted).toEqual([]);
});
