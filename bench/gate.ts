/**
 * `make bench-gate`: the quick figures of this machine against bench/limits.json. What is worse is measured once more,
 * and the better of the two counts: a machine that was busy for a minute fails nothing. UPDATE=1 writes the file, from
 * three runs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { measureCodeChanges, ON_THE_WAY, TOTALS } from './code-change.ts';
import { coldStart } from './cold-start.ts';
import { door } from './door.ts';
import { startEmptyServer } from './empty-server.ts';
import { idleSoon } from './idle-soon.ts';
import { type Limits, limitsOf, type Ratios, sentenceFor, worse } from './limits.ts';
import { openLaptop } from './open-laptop.ts';
import { median, type Row } from './row.ts';

const FILE = new URL('limits.json', import.meta.url);
const ROUNDS = 6;
const RUNS = Number(process.env['RUNS'] ?? 3);

const MEASUREMENTS: Record<string, () => Promise<Ratios>> = {
  'code changes': codeChanges,
  'cold starts': async () => ratiosOf(await coldStart({ unbundled: false })),
  'the door': async () => ratiosOf(await door(), ', calls a second'),
};

if (process.env['UPDATE']) {
  const runs: Ratios[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    runs.push(await all(`run ${run} of ${RUNS}`));
  }
  writeFileSync(FILE, `${JSON.stringify(limitsOf(runs), undefined, 2)}\n`);
  print(JSON.parse(readFileSync(FILE, 'utf8')), runs.at(-1) ?? {});
} else {
  const limits: Limits = JSON.parse(readFileSync(FILE, 'utf8'));
  const ratios = await all('first run');
  const failed = await failures(limits, ratios);
  print(limits, ratios);
  for (const name of failed) {
    console.error(`bench-gate: ${sentenceFor(name, limits, ratios)}`);
  }
  process.exitCode = failed.length === 0 ? 0 : 1;
}
process.exit();

async function all(run: string): Promise<Ratios> {
  const ratios: Ratios = {};
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    console.error(`${run}: ${name} …`);
    Object.assign(ratios, await measure());
  }
  return ratios;
}

/** Measures once more what is worse. `ratios` then has the better of both. */
async function failures(limits: Limits, ratios: Ratios): Promise<string[]> {
  const suspects = worse(limits, ratios);
  if (suspects.length === 0) {
    return [];
  }
  console.error(`worse than kept: ${suspects.join(', ')}`);
  const again = await all('once more');
  const failed = worse(limits, again).filter((name) => suspects.includes(name));
  for (const name of suspects.filter((each) => !failed.includes(each))) {
    ratios[name] = again[name] ?? Number.NaN;
  }
  return failed;
}

/** Each round against its own baseline: load that changes in between falls on both. */
async function codeChanges(): Promise<Ratios> {
  const laptop = await openLaptop();
  try {
    await idleSoon(laptop, ON_THE_WAY);
    const measured = await measureCodeChanges(laptop, { rounds: ROUNDS, baseline: startEmptyServer });
    return Object.fromEntries(
      Object.entries(TOTALS).map(([name, valuesOf]) => [
        name,
        median(valuesOf(measured).map((value, round) => value / (measured.baseline[round] ?? Number.NaN))),
      ]),
    );
  } finally {
    await laptop.close();
  }
}

/** Of the rows that are held against something empty. */
function ratiosOf(rows: Row[], unit = ''): Ratios {
  const against = rows.filter(({ baseline = '', ratio }) => baseline.startsWith('an empty') && ratio !== undefined);
  return Object.fromEntries(against.map(({ name, ratio = Number.NaN }) => [`${name}${unit}`, ratio]));
}

function print(limits: Limits, ratios: Ratios): void {
  for (const [name, { ratio, margin }] of Object.entries(limits)) {
    const measured = (ratios[name] ?? Number.NaN).toFixed(2);
    console.log(`${name.padEnd(70)} ${measured.padStart(8)}  kept ${ratio}, noise ${Math.round(margin * 100)} %`);
  }
}
