/**
 * Two hundred runs of the simulator break no invariant, and a seed determines a run. They have a process of their own,
 * because they replace the clock.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { run } from './run.ts';
import { SAFEGUARDS } from './safeguards.ts';

const RUNS = 200;

test(`${RUNS} runs break no invariant`, async () => {
  const seed = process.env['SEED'] ?? '1';
  const main = join(import.meta.dirname, 'main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--runs', `${RUNS}`, '--seed', seed]).catch(
    (error: { stdout: string; stderr: string }) => ({ stdout: `${error.stdout}${error.stderr}` }),
  );
  expect(stdout).toMatch(new RegExp(`^${RUNS} runs in .*\\n$`));
});

test('each safeguard stands in the code exactly once, so that `make chaos MUTATIONS=1` can take it out', () => {
  const places = SAFEGUARDS.map(({ name, file, find }) => {
    const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
    return [name, text.split(find).length - 1];
  });
  expect(places.filter(([, count]) => count !== 1)).toEqual([]);
});

test('the same seed gives the same run', async () => {
  const traced = async () => {
    const lines: string[] = [];
    await run({ seed: 4, trace: (line) => lines.push(line) });
    return lines;
  };
  const first = await traced();
  expect(first.length).toBeGreaterThan(100);
  expect(await traced()).toEqual(first);
});
