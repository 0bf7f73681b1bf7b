/** A change of the code on a cluster. The baseline is an empty Go service from zero. */
import { setTimeout as sleep } from 'node:timers/promises';
import { codeChangeRows, measureCodeChanges, ON_THE_WAY } from '#bench/code-change.ts';
import { idleSoon } from '#bench/idle-soon.ts';
import { median } from '#bench/row.ts';
import { copyOf, createAndWait, readService, running } from './baselines.ts';
import { emptyGoImage } from './deploy.ts';
import { idle } from './idle.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { rowTable } from './table.ts';

/** Between the end of the last pod and the next request: Knative puts its activator in the path again. */
const SETTLE_MILLISECONDS = 1000;
const HOPS = 20;

export interface ChangesOptions {
  rounds: number;
  /** Lets the builder's own functions idle within seconds, while this measures. */
  short: boolean;
  /** Told what has to be done before the process ends. */
  undo: (work: () => Promise<void>) => void;
}

export async function changes(cluster: ClusterUnderTest, { rounds, short, undo }: ChangesOptions): Promise<string> {
  const image = await emptyGoImage(cluster);
  const name = `bench-${cluster.platform.run}-go`;
  await createAndWait(cluster, [
    running(copyOf(await readService(cluster, 'build-start'), name, cluster.owner), { image }),
  ]);
  const baseline = async () => {
    await idle(cluster, [name]);
    await sleep(SETTLE_MILLISECONDS);
    return cluster.call(name, { type: 'bench.nothing' });
  };
  // Once uncounted: the node then has its image.
  await baseline();
  const restore = short ? once(await idleSoon(cluster, ON_THE_WAY)) : async () => undefined;
  undo(restore);
  try {
    const measured = await measureCodeChanges(cluster, { rounds, baseline });
    const hop = await hops(cluster);
    const rows = codeChangeRows(measured, {
      baseline: 'an empty Go service from zero',
      aims: {
        'code change from zero, build.start → first answer': '≤ 3.5 × (4 s)',
        'code change awake, build.start → first answer': '≤ 2.2 ×',
        'first build without dependencies, from zero': '≤ 4.5 × (5 s)',
        'append of 20 files, listed → manifest pushed': '≤ 150 ms',
        'unchanged source from zero → build.complete': '≤ 1.15 ×',
        'unchanged source awake → build.complete': '≤ 60 ms',
      },
    });
    return [
      rowTable(`Changes of the code, ${rounds} of each in turns`, [
        ...rows,
        { name: '  one hop of the Broker, and the way to and from the cluster', value: hop, unit: 'ms' },
      ]),
      ...(measured.warm > 0 ? [`${measured.warm} of these did not begin from zero: the deployment was in use.`] : []),
      '',
    ].join('\n');
  } finally {
    await restore();
  }
}

/** The second call waits for the first. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

/** An event that only the subscriber takes, from its sending to its arrival. */
async function hops(cluster: ClusterUnderTest): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < HOPS; n += 1) {
    const began = performance.now();
    const id = await cluster.send({ type: 'bench.nothing', subject: `bench/${n}` });
    const { at } = await cluster.wait('an event of no type', ({ event }) => event.id === id, 60);
    times.push(at - began);
  }
  return median(times);
}
