/** The alerts, by Prometheus' own tool: skipped where the machine has none. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ROOT } from '#docs/wrap.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test.skipIf(!hasPromtool).each([
  ['check', 'rules', 'deploy/observability/rules/rules.yaml'],
  ['test', 'rules', ...globSync('test/observability/*.yaml', { cwd: ROOT })],
])('promtool %s %s', (...given) => {
  const { status, stdout, stderr } = spawnSync('promtool', given, { cwd: ROOT, encoding: 'utf8' });
  expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
});
