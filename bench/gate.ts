/**
 * `make bench-gate`: the quick figures of this machine against bench/limits.json. What is worse is measured once more,
 * and the better of the two counts: a machine that was busy for a minute fails nothing. UPDATE=1 writes the file, from
 * three runs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { TOTAL, timeUnchanged } from './cluster/build.ts';
import { change, measureCodeChanges, ON_THE_WAY, SOON_IDLE, TOTALS } from './code-change.ts';
import { coldStart } from './cold-start.ts';
import { door } from './door.ts';
import { startEmptyServer } from './empty-server.ts';
import { idleSoon } from './idle-soon.ts';
import { type Limits, limitsOf, type Ratios, sentenceFor, worse } from './limits.ts';
import { openLaptop } from './open-laptop.ts';
import type { Row } from './row.ts';
import type { UnderTest } from './under-test.ts';

const FILE = new URL('limits.json', import.meta.url);
const ROUNDS = Number(process.env['ROUNDS'] ?? 6);
/** A limit with more noise would notice nothing. */
const MOST_MARGIN = 0.8;
const RUNS = Number(process.env['RUNS'] ?? 3);

const MEASUREMENTS: Record<string, () => Promise<Ratios>> = {
  awake,
  changes: codeChanges,
  starts: async () => ratiosOf(await coldStart({ unbundled: false })),
  door: async () => ratiosOf(await door()),
};

const names = Object.keys(MEASUREMENTS);
const wanted = (process.env['ONLY'] || names.join(',')).split(',');
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`ONLY has ${unknown.join(', ')}; there are: ${names.join(', ')}`);
  process.exit(1);
}
const kept = read();
const failed: string[] = [];
for (const name of wanted) {
  if (process.env['UPDATE']) {
    kept[name] = await update(name);
  } else {
    failed.push(...(await judge(name, kept[name] ?? {})));
  }
}
if (process.env['UPDATE']) {
  writeFileSync(FILE, `${JSON.stringify(kept, undefined, 2)}\n`);
}
for (const sentence of failed) {
  console.error(`bench-gate: ${sentence}`);
}
process.exit(failed.length === 0 ? 0 : 1);

function read(): Record<string, Limits> {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return {};
    }
    throw error;
  }
}

async function measure(name: string, why: string): Promise<Ratios> {
  console.error(`${name}, ${why} …`);
  return (await MEASUREMENTS[name]?.()) ?? {};
}

async function update(name: string): Promise<Limits> {
  const runs: Ratios[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    runs.push(await measure(name, `run ${run} of ${RUNS}`));
  }
  const limits = limitsOf(runs);
  print(limits, runs.at(-1) ?? {});
  const noisy = Object.keys(limits).filter((each) => (limits[each]?.margin ?? 0) > MOST_MARGIN);
  if (noisy.length > 0) {
    failed.push(
      `the runs lie too far apart, so nothing is kept of ${noisy.join('; ')}: measure again (make bench-gate UPDATE=1 ONLY=${name}) when nothing else uses this machine`,
    );
  }
  return Object.fromEntries(Object.entries(limits).filter(([each]) => !noisy.includes(each)));
}

/** What is worse is measured once more, and the better of the two counts. */
async function judge(name: string, limits: Limits): Promise<string[]> {
  if (Object.keys(limits).length === 0) {
    return [`bench/limits.json keeps nothing of ${name}: write it (make bench-gate UPDATE=1 ONLY=${name})`];
  }
  const ratios = await measure(name, 'first run');
  const suspects = worse(limits, ratios);
  if (suspects.length === 0) {
    print(limits, ratios);
    return [];
  }
  const again = await measure(name, `once more, since these are worse: ${suspects.join('; ')}`);
  const broken = worse(limits, again).filter((each) => suspects.includes(each));
  const better = Object.fromEntries(
    suspects.filter((each) => !broken.includes(each)).map((each) => [each, again[each]]),
  );
  print(limits, { ...ratios, ...(better as Ratios) });
  return broken.map((each) => sentenceFor(each, limits, ratios));
}

/** From zero, and whatever else `make bench` has of it. */
async function codeChanges(): Promise<Ratios> {
  return onLaptop(async (laptop) => {
    await idleSoon(laptop, ON_THE_WAY);
    const measured = await measureCodeChanges(laptop, { rounds: ROUNDS, baseline: startEmptyServer });
    const fromZero = Object.entries(TOTALS).filter(([name]) => name.includes('from zero'));
    return leastRatios(Object.fromEntries(fromZero.map(([name, of]) => [name, of(measured)])), measured.baseline);
  });
}

/** Nothing has to scale to zero for it, so it takes a minute. */
async function awake(): Promise<Ratios> {
  return onLaptop(async (laptop) => {
    const identity = laptop.identity('bench-awake');
    const times = {
      'code change awake, build.start → first answer': [],
      append: [],
      'unchanged source awake': [],
    } as Record<string, number[]>;
    const baseline: number[] = [];
    await change(laptop, identity, 'first');
    for (let round = 1; round <= 2 * ROUNDS; round += 1) {
      baseline.push(await startEmptyServer());
      const { phases, append = Number.NaN } = await change(laptop, identity, `${round}`);
      times['code change awake, build.start → first answer']?.push(phases[TOTAL] ?? Number.NaN);
      times['append']?.push(append);
      times['unchanged source awake']?.push(await timeUnchanged(laptop, identity, SOON_IDLE));
    }
    return leastRatios(times, baseline);
  });
}

async function onLaptop(measured: (laptop: UnderTest) => Promise<Ratios>): Promise<Ratios> {
  const laptop = await openLaptop();
  try {
    return await measured(laptop);
  } finally {
    await laptop.close();
  }
}

/** Other work only ever adds to a time, so the least of each says most about the code. */
function leastRatios(times: Record<string, number[]>, baseline: number[]): Ratios {
  return Object.fromEntries(
    Object.entries(times).map(([name, values]) => [name, Math.min(...values) / Math.min(...baseline)]),
  );
}

/** Of the rows that are held against something empty. */
function ratiosOf(rows: Row[]): Ratios {
  const against = rows.filter(({ baseline = '', ratio }) => baseline.startsWith('an empty') && ratio !== undefined);
  return Object.fromEntries(
    against.map(({ name, unit, ratio = Number.NaN }) => [unit === 'calls/s' ? `${name}, calls a second` : name, ratio]),
  );
}

function print(limits: Limits, ratios: Ratios): void {
  for (const [name, { ratio, margin }] of Object.entries(limits)) {
    const measured = (ratios[name] ?? Number.NaN).toFixed(2);
    console.log(`${name.padEnd(70)} ${measured.padStart(8)}  kept ${ratio}, noise ${Math.round(margin * 100)} %`);
  }
}
