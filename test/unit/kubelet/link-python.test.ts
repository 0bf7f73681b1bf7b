/** The machine's Python as functions see it on a laptop. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createToolchain } from '#local/kubelet/toolchain.ts';

const hasPython = spawnSync('python3', ['-c', 'import pip']).status === 0;

describe.skipIf(!hasPython)("the laptop's Python (needs python3 with pip)", () => {
  let folder: string;
  let bin: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'knative-lambda-toolchain-'));
    bin = createToolchain(folder).python;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function python(code: string, ...args: string[]): string {
    const env = { PATH: `${bin}${delimiter}${process.env['PATH']}`, PIP_TARGET: '/target' };
    const { stdout, stderr } = spawnSync('python3', ['-c', code, ...args], { env, encoding: 'utf8' });
    return (stdout + stderr).trim();
  }

  test('sees no package of the machine but pip', () => {
    const found = python(
      'import sys, os; print([name for path in sys.path if "packages" in path for name in os.listdir(path)])',
    );
    expect(JSON.parse(found.replaceAll("'", '"')).sort()).toEqual(['pip', 'pip-target.pth']);
    expect(python('import pip; print("there")')).toBe('there');
  });

  test('is made once', () => {
    expect(createToolchain(folder).python).toBe(bin);
  });

  test('lets old versions of pip call themselves with --prefix, which PIP_TARGET contradicts', () => {
    const code = 'import os; print(os.environ.get("PIP_TARGET"))';
    expect(python(code)).toBe('/target');
    expect(python(code, 'install', '--prefix', '/x')).toBe('None');
  });
});
