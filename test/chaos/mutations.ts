/**
 * `make chaos MUTATIONS=1 RUNS=2000`: takes one safeguard at a time out of a copy of the tree, and finds the invariants
 * that fail then. Writes the table in docs/chaos.md.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { SAFEGUARDS, type Safeguard } from './safeguards.ts';
import { INVARIANTS, type Violation } from './violation.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = join(ROOT, 'docs/chaos.md');
const [BEGIN, END] = ['<!-- mutations: begin -->', '<!-- mutations: end -->'];
const COPIED = [
  'functions',
  'languages',
  'shared',
  'local',
  'build-pod',
  'eventing',
  'test/chaos',
  'test/fakes',
  'package.json',
];

interface Finding {
  seed?: number;
  runs: number;
  violations: Violation[];
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});

const copy = await mkdtemp(join(tmpdir(), 'chaos-'));
try {
  for (const path of COPIED) {
    await cp(join(ROOT, path), join(copy, path), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const rows: string[] = [];
  for (const safeguard of SAFEGUARDS) {
    const row = rowOf(safeguard, await without(safeguard));
    console.log(row);
    rows.push(row);
    // After each row, so that nothing is lost where this is stopped.
    await writeTable(['| without | noticed by | in run |', '|---|---|---|', ...rows]);
  }
} finally {
  await rm(copy, { recursive: true });
}

async function without({ file, find, replace }: Safeguard): Promise<Finding> {
  const path = join(copy, file);
  const text = await readFile(path, 'utf8');
  if (text.split(find).length !== 2) {
    throw new Error(`${file} has not exactly one ${JSON.stringify(find)}: mend test/chaos/safeguards.ts`);
  }
  await writeFile(
    path,
    text.replace(find, () => replace),
  );
  try {
    const args = [join(copy, 'test/chaos/main.ts'), '--json', '--runs', values.runs, '--seed', values.seed];
    const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: { stdout: string }) => error);
    return JSON.parse(stdout);
  } finally {
    await writeFile(path, text);
  }
}

function rowOf({ name }: Safeguard, { seed, runs, violations }: Finding): string {
  const noticed = [...new Set(violations.map(({ invariant }) => invariant))];
  const said = noticed.map((invariant) => `\`${invariant}\`: ${INVARIANTS[invariant]}`).join('; ');
  return said ? `| ${name} | ${said} | ${seed} |` : `| ${name} | nothing in ${runs} runs | |`;
}

async function writeTable(lines: string[]): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [before, rest = ''] = text.split(BEGIN);
  const [, after = ''] = rest.split(END);
  await writeFile(DOCUMENT, `${before}${BEGIN}\n${lines.join('\n')}\n${END}${after}`);
}
