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

/** `unbundled`: whether the same code unbundled is measured too. */
export async function coldStart({ unbundled = true } = {}): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'cold-start-'));
  try {
    const programs = await preparePrograms(directory, unbundled);
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

async function preparePrograms(directory: string, unbundled: boolean): Promise<Map<string, Program>> {
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

  const programs = new Map<string, Program>([[EMPTY, emptyProgram]]);
  for (const name of functionNames(root)) {
    const env = { ...CONFIGURATION, FUNCTION: name };
    programs.set(name, { args: [join(dist, 'main.js')], cwd: dist, env: { ...env, ...bundled } });
    if (unbundled) {
      programs.set(unbundledOf(name), { args: [join(root, 'main.ts')], cwd: root, env });
    }
  }
  return programs;
}

function rowsOf(starts: Map<string, ColdStart[]>): Row[] {
  const of = (name: string, figure: keyof ColdStart) => median((starts.get(name) ?? []).map((start) => start[figure]));
  const row = (
    name: string,
    figure: keyof ColdStart,
    unit: string,
    { baseline, aim }: { baseline?: string; aim: string },
  ) => {
    const value = of(name, figure);
    const against = baseline && { baseline: labelOf(baseline), ratio: value / of(baseline, figure) };
    return { name: `${name}, ${WORDS[figure]}`, value, unit, ...against, aim };
  };
  const names = [...starts.keys()].filter((name) => name !== EMPTY && !name.endsWith(UNBUNDLED));
  return [
    { name: 'empty function, start', value: of(EMPTY, 'milliseconds'), unit: 'ms' },
    { name: 'empty function, resident', value: of(EMPTY, 'megabytes'), unit: 'MB' },
    ...names.flatMap((name) => [
      row(name, 'milliseconds', 'ms', { baseline: EMPTY, aim: '≤ 1.10' }),
      row(name, 'cpu', 'ms', { baseline: EMPTY, aim: '≤ 1.10' }),
      row(name, 'megabytes', 'MB', { baseline: EMPTY, aim: '≤ 80 MB' }),
      ...(starts.has(unbundledOf(name))
        ? [row(name, 'milliseconds', 'ms', { baseline: unbundledOf(name), aim: '≤ 0.35' })]
        : []),
    ]),
  ];
}

const WORDS = { milliseconds: 'start', cpu: 'CPU of a start', megabytes: 'resident' };
const EMPTY = 'empty';
const UNBUNDLED = ' unbundled';
const unbundledOf = (name: string) => `${name}${UNBUNDLED}`;
const labelOf = (baseline: string) => (baseline === EMPTY ? 'an empty function' : 'the same unbundled');

function functionNames(root: string): string[] {
  return readdirSync(join(root, 'functions')).sort();
}
