/**
 * A change of the code alone, from zero and awake, and what is like it: a first build of a source without dependencies,
 * and a source that is unchanged. All in turns with a baseline, so that whatever else the machine does falls on all.
 */
import type { Identity } from '#shared/events/identity.ts';
import { type Phases, TOTAL, timeBuild, timeUnchanged } from './cluster/build.ts';
import { idle } from './cluster/idle.ts';
import type { Files } from './cluster/sources.ts';
import { median, percentile, type Row } from './row.ts';
import type { UnderTest } from './under-test.ts';

/** All that a change of the code, and the call of the new one, passes. */
export const ON_THE_WAY = ['build-start', 'build-complete', 'cluster-events', 'parser-events'];

/** Rounds between a function's first build and its change: then it has no pod any more. */
const LEAD = 2;
const FILES = 20;
/** Of the functions: a round need not wait for them. */
export const SOON_IDLE = { scaling: { scale_down_delay: '0s' } };

/** Milliseconds, one of each round. */
export interface CodeChanges {
  baseline: number[];
  first: Phases[];
  zero: Phases[];
  awake: Phases[];
  unchangedZero: number[];
  unchangedAwake: number[];
  /** Source listed → manifest pushed, by a build-start that is awake. */
  append: number[];
  /** How many did not begin from zero. */
  warm: number;
}

export interface CodeChangeOptions {
  rounds: number;
  /** One measurement of it, in milliseconds. */
  baseline: () => Promise<number>;
}

export async function measureCodeChanges(
  target: UnderTest,
  { rounds, baseline }: CodeChangeOptions,
): Promise<CodeChanges> {
  const measured: CodeChanges = {
    baseline: [],
    first: [],
    zero: [],
    awake: [],
    unchangedZero: [],
    unchangedAwake: [],
    append: [],
    warm: 0,
  };
  const fromZero = async (...services: string[]) => {
    measured.warm += (await idle(target, [...ON_THE_WAY, ...services])) ? 0 : 1;
  };
  const functions: { identity: Identity; service: string }[] = [];
  const first = async () => {
    const identity = target.identity('bench-change');
    const { phases, service } = await change(target, identity, 'one');
    functions.push({ identity, service });
    return phases;
  };
  for (let n = 0; n < LEAD; n += 1) {
    await first();
  }
  for (let round = 1; round <= rounds; round += 1) {
    console.error(`code changes: ${round} of ${rounds} …`);
    await fromZero();
    measured.baseline.push(await baseline());
    measured.first.push(await first());
    const { identity, service } = functions[round - 1] as (typeof functions)[number];
    await fromZero(service);
    measured.zero.push((await change(target, identity, 'two')).phases);
    // Where functions idle soon, the builder's were gone again before the function was ready. This one wakes them.
    await timeUnchanged(target, identity, SOON_IDLE);
    measured.unchangedAwake.push(await timeUnchanged(target, identity, SOON_IDLE));
    const { phases, append = Number.NaN } = await change(target, identity, 'three');
    measured.awake.push(phases);
    measured.append.push(append);
    await fromZero();
    measured.unchangedZero.push(await timeUnchanged(target, identity, SOON_IDLE));
  }
  return measured;
}

export function change(target: UnderTest, identity: Identity, version: string) {
  return timeBuild(target, { identity, files: sourceOf(version), version, parameters: SOON_IDLE });
}

/** Node without dependencies, of 20 files. One line of one of them differs. */
function sourceOf(version: string): Files {
  const modules = Array.from({ length: FILES - 1 }, (_, n) => `module-${n}.mjs`);
  const body = Array.from({ length: 40 }, (_, n) => `export const value${n} = 'a line of some length, number ${n}';\n`);
  return {
    ...Object.fromEntries(modules.map((name) => [name, body.join('')])),
    'parser.mjs': `${modules.map((name) => `import './${name}';\n`).join('')}export const handler = () => ({ version: '${version}' });\n`,
  };
}

/** Milliseconds of each round, by what was measured. */
export const TOTALS = {
  'code change from zero, build.start → first answer': ({ zero }: CodeChanges) => totals(zero),
  'code change awake, build.start → first answer': ({ awake }: CodeChanges) => totals(awake),
  'first build without dependencies, from zero': ({ first }: CodeChanges) => totals(first),
  'append of 20 files, listed → manifest pushed': ({ append }: CodeChanges) => append,
  'unchanged source from zero → build.complete': ({ unchangedZero }: CodeChanges) => unchangedZero,
  'unchanged source awake → build.complete': ({ unchangedAwake }: CodeChanges) => unchangedAwake,
};

export type Aims = Partial<Record<keyof typeof TOTALS, string>>;

const totals = (phases: Phases[]) => phases.map((one) => one[TOTAL] ?? Number.NaN);

/** `baseline`: its name. */
export function codeChangeRows(measured: CodeChanges, { baseline, aims }: { baseline: string; aims: Aims }): Row[] {
  const base = median(measured.baseline);
  const zero = totals(measured.zero);
  const p95 = percentile(zero, 0.95);
  return [
    summed(baseline, measured.baseline),
    ...Object.entries(TOTALS).map(([name, valuesOf]) => {
      const values = valuesOf(measured);
      const aim = aims[name as keyof Aims];
      return { ...summed(name, values), baseline, ratio: median(values) / base, ...(aim ? { aim } : {}) };
    }),
    {
      name: 'code change from zero, p95',
      value: p95,
      unit: 'ms',
      baseline: 'its own p50',
      ratio: p95 / median(zero),
      aim: '≤ 1.5',
    },
    ...phaseRows('from zero', measured.zero),
    ...phaseRows('awake', measured.awake),
  ];
}

function summed(name: string, values: number[]): Row {
  return { name, value: median(values), unit: 'ms', p95: percentile(values, 0.95) };
}

/** Where the time of a change goes. */
function phaseRows(how: string, all: Phases[]): Row[] {
  const names = Object.keys(all[0] ?? {}).filter((name) => !/^(of it|build\.start) /.test(name));
  return names.map((name) =>
    summed(
      `  ${how}: ${name}`,
      all.map((phases) => phases[name] ?? Number.NaN),
    ),
  );
}
