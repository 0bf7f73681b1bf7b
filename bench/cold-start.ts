/**
 * Cold start of every function: its bundle against the same code unbundled, and against an empty function of the same
 * runtime.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleProgram } from '#bundle/main.ts';
import { CONFIGURATION, NODE_OPTIONS } from './configuration.ts';
import { median, type Row } from './row.ts';
import { type ColdStart, type Program, startProcess } from './start-process.ts';

const ROUNDS = 5;

export async function coldStart(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'cold-start-'));
  try {
    const programs = await preparePrograms(directory);
    const starts = new Map<string, ColdStart[]>([...programs.keys()].map((name) => [name, []]));
    // Alternated, so that whatever else the machine does falls on all of them alike.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, program] of programs) {
        starts.get(name)?.push(await startProcess(program));
      }
    }
    return rowsOf(starts);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function preparePrograms(directory: string): Promise<Map<string, Program>> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const dist = join(directory, 'dist');
  const empty = join(directory, 'empty.mjs');
  await bundle(dist);
  // With all that the runtime brings.
  await bundleProgram('bench/empty-function.ts', empty, { plugins: [] });

  // Both get what the image gets: a compile cache filled in advance.
  const bundled = { NODE_OPTIONS, NODE_COMPILE_CACHE: join(directory, 'cache') };
  execFileSync(process.execPath, [join(dist, 'main.js'), '--warm'], { env: { PATH: process.env['PATH'], ...bundled } });
  const emptyProgram = { args: [empty], cwd: directory, env: bundled };
  await startProcess(emptyProgram);

  const programs = new Map<string, Program>([['empty', emptyProgram]]);
  for (const name of functionNames(root)) {
    const env = { ...CONFIGURATION, FUNCTION: name };
    programs.set(name, { args: [join(dist, 'main.js')], cwd: dist, env: { ...env, ...bundled } });
    programs.set(`${name} unbundled`, { args: [join(root, 'main.ts')], cwd: root, env });
  }
  return programs;
}

function rowsOf(starts: Map<string, ColdStart[]>): Row[] {
  const of = (name: string, figure: keyof ColdStart) => median((starts.get(name) ?? []).map((start) => start[figure]));
  const empty = of('empty', 'milliseconds');
  const rows: Row[] = [
    { name: 'empty function, start', value: empty, unit: 'ms' },
    { name: 'empty function, resident', value: of('empty', 'megabytes'), unit: 'MB' },
  ];
  for (const name of [...starts.keys()].filter((key) => starts.has(`${key} unbundled`))) {
    const value = of(name, 'milliseconds');
    const unbundled = of(`${name} unbundled`, 'milliseconds');
    rows.push(
      { name: `${name}, start`, value, unit: 'ms', baseline: 'unbundled', ratio: value / unbundled, aim: '≤ 0.35' },
      { name: `${name}, start`, value, unit: 'ms', baseline: 'empty', ratio: value / empty, aim: '≤ 1.2' },
      {
        name: `${name}, resident`,
        value: of(name, 'megabytes'),
        unit: 'MB',
        baseline: 'unbundled',
        ratio: of(name, 'megabytes') / of(`${name} unbundled`, 'megabytes'),
        aim: '≤ 85 MB',
      },
    );
  }
  return rows;
}

function functionNames(root: string): string[] {
  return readdirSync(join(root, 'functions')).sort();
}
