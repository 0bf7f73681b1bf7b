/** Builds of sources with dependencies from zero, in turns: a first one, and one of changed code. */
import { median } from '#bench/row.ts';
import { type Phases, TOTAL, timeBuild } from './build.ts';
import { idle } from './idle.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { SOURCES } from './sources.ts';
import { seconds, table } from './table.ts';

/** Those that a build waits for. */
const ON_THE_WAY = ['build-start', 'job-start', 'build-complete'];

export async function builds(
  cluster: ClusterUnderTest,
  { rounds, languages }: { rounds: number; languages: string[] },
): Promise<string> {
  const columns = new Map<string, Phases[]>();
  let warm = 0;
  const fromZero = async () => {
    warm += (await idle(cluster, ON_THE_WAY)) ? 0 : 1;
  };
  const add = (column: string, phases: Phases) => columns.set(column, [...(columns.get(column) ?? []), phases]);
  for (let round = 1; round <= rounds; round += 1) {
    for (const language of languages) {
      const identity = cluster.identity(`bench-${language}`);
      for (const [kind, version] of [
        ['first', 'one'],
        ['code changed', 'two'],
      ] as const) {
        console.error(`${language}, ${kind}: ${round} of ${rounds} …`);
        const files = SOURCES[language]?.(version) ?? {};
        await fromZero();
        const { phases } = await timeBuild(cluster, { identity, files, version });
        add(`${language}, ${kind}`, phases);
        console.error(`  ${seconds(phases[TOTAL] ?? Number.NaN)} s`);
      }
    }
  }
  const names = [...columns.keys()];
  // Where no Job is needed, others pass.
  const phases = [...new Set(names.flatMap((name) => Object.keys(columns.get(name)?.[0] ?? {})))];
  const middle = (name: string, phase: string) =>
    seconds(median((columns.get(name) ?? []).map((each) => each[phase] ?? Number.NaN)));
  const rows = phases.map((phase) => [phase, ...names.map((name) => middle(name, phase))]);
  return [
    table(`A build from zero, seconds, medians of ${rounds}`, ['', ...names], rows),
    ...(warm > 0 ? [`${warm} of these did not begin from zero: the deployment was in use.`] : []),
    '',
  ].join('\n');
}
