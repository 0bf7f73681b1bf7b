/**
 * Calls of functions that are awake, by the door and by a Trigger of its own as before, in turns: how long one takes,
 * and how many are answered in a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { median, percentile } from '#bench/row.ts';
import type { StreamReport } from '#test/e2e/caller.ts';
import { type Caller, callsOf } from '#test/e2e/open-caller.ts';
import { type CalledFunction, createFunctions, deleteFunctions, type Template, type Way } from './functions.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { table } from './table.ts';

const PATIENCE_SECONDS = 120;
const WARM_UP = 20;
/** Between two measurements, so that the one does not pay for the other's last events. */
const SETTLE_MILLISECONDS = 2000;
/** The function is to be no bottleneck: what is measured stands before it. */
const PARAMETERS = {
  scaling: { min: 1, max: 1 },
  resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '2', memory: '512Mi' } },
};
/** A tenant has a quarter of the door's places, so four of them have all. */
const TENANTS = 4;

interface Compared {
  legacy: CalledFunction;
  own: CalledFunction;
  shared: CalledFunction[];
}

const NAMES = {
  legacy: 'a Trigger of its own, without the door (the old way)',
  shared: 'the door, shared',
  own: 'the door, delivery own',
};

export interface AwakeCalls {
  /** Of each, one at a time, in turns. 0 leaves this out. */
  calls: number;
  /** At once, in each of `rounds`. 0 leaves this out. */
  events: number;
  rounds: number;
}

export async function awakeCalls(
  cluster: ClusterUnderTest,
  { caller, template, wanted }: { caller: Caller; template: Template; wanted: AwakeCalls },
): Promise<string> {
  const { owner } = caller;
  const functionOf = (way: Way) => ({ identity: cluster.identity(`bench-${way}`), way, parameters: PARAMETERS });
  const all = await createFunctions(cluster, template, {
    owner,
    wanted: [functionOf('legacy'), functionOf('own'), ...Array.from({ length: TENANTS }, () => functionOf('shared'))],
  });
  const [legacy, own, ...shared] = all as [CalledFunction, CalledFunction, ...CalledFunction[]];
  const compared: Compared = { legacy, own, shared };
  const tables = await cluster.unobserved(async () => {
    const calls = all.map(({ subject }) => callsOf(caller, subject, { count: WARM_UP }));
    await caller.run({ streams: calls, inTurns: true, patience: PATIENCE_SECONDS });
    return [
      ...(wanted.calls > 0 ? [await oneAtATime(caller, compared, wanted)] : []),
      ...(wanted.events > 0 ? [await manyAtOnce(cluster, caller, { compared, wanted })] : []),
    ];
  });
  await deleteFunctions(cluster, all);
  return tables.join('\n');
}

async function oneAtATime(caller: Caller, { legacy, shared, own }: Compared, { calls }: AwakeCalls): Promise<string> {
  console.error(`calls one at a time: ${calls} of each …`);
  await sleep(SETTLE_MILLISECONDS);
  const count = calls;
  const reports = await caller.run({
    streams: [legacy, shared[0] as CalledFunction, own].map(({ subject }) => callsOf(caller, subject, { count })),
    inTurns: true,
    patience: PATIENCE_SECONDS,
  });
  const names = [NAMES.legacy, NAMES.shared, NAMES.own];
  const aims = ['', 'p50 + 3, p95 + 6', ''];
  const [baseline] = reports;
  const over = ({ latencies }: StreamReport, share: number) =>
    (percentile(latencies, share) - percentile(baseline?.latencies ?? [], share)).toFixed(2);
  return table(
    `parser.start → parser.complete at the Broker, function awake, ms, ${calls} of each in turns`,
    ['', 'p50', 'p95', 'p50 over the old way', 'p95 over it', 'aim', 'answered'],
    reports.map((report, index) => [
      names[index] ?? '',
      percentile(report.latencies, 0.5).toFixed(2),
      percentile(report.latencies, 0.95).toFixed(2),
      over(report, 0.5),
      over(report, 0.95),
      aims[index] ?? '',
      answered(report),
    ]),
  );
}

async function manyAtOnce(
  cluster: ClusterUnderTest,
  caller: Caller,
  { compared: { legacy, shared, own }, wanted: { events, rounds } }: { compared: Compared; wanted: AwakeCalls },
): Promise<string> {
  const ways: [string, CalledFunction[]][] = [
    [NAMES.legacy, [legacy]],
    [`${NAMES.shared}, one function`, shared.slice(0, 1)],
    [`${NAMES.shared}, ${TENANTS} functions of ${TENANTS} tenants`, shared],
    [NAMES.own, [own]],
  ];
  const rates = ways.map((): number[] => []);
  const lost = ways.map(() => 0);
  let doorPods = 0;
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, [name, functions]] of ways.entries()) {
      console.error(`${events} events at once, ${name}: ${round} of ${rounds} …`);
      await sleep(SETTLE_MILLISECONDS);
      const count = Math.floor(events / functions.length);
      const streams = functions.map(({ subject }) => callsOf(caller, subject, { count, after: 0 }));
      const reports = await caller.run({ streams, patience: PATIENCE_SECONDS });
      const ended = reports.reduce((sum, report) => sum + report.complete + report.rejected, 0);
      lost[index] = (lost[index] ?? 0) + count * functions.length - ended;
      rates[index]?.push(ended / (Math.max(...reports.map(({ took }) => took)) / 1000));
      doorPods = Math.max(doorPods, await podsOfDoor(cluster));
    }
  }
  const baseline = median(rates[0] ?? []);
  return [
    table(
      `${events} events at once, answered a second, medians of ${rounds}`,
      ['', 'a second', '× the old way', 'each round', 'not answered'],
      ways.map(([name], index) => [
        name,
        median(rates[index] ?? []).toFixed(0),
        (median(rates[index] ?? []) / baseline).toFixed(2),
        (rates[index] ?? []).map((rate) => rate.toFixed(0)).join(', '),
        String(lost[index]),
      ]),
    ),
    `Pods of the door, at most: ${doorPods}. The aim: with one pod, ≥ 0.7 × the old way.\n`,
  ].join('\n');
}

async function podsOfDoor({ core, platform }: ClusterUnderTest): Promise<number> {
  const labelSelector = 'serving.knative.dev/service=parser-events';
  const { items } = await core.listNamespacedPod({ namespace: platform.namespace, labelSelector });
  return items.length;
}

function answered({ sent, complete, failed, rejected }: StreamReport): string {
  const bad = [failed > 0 ? `${failed} failed` : '', rejected > 0 ? `${rejected} rejected` : ''].filter(Boolean);
  return [`${complete} of ${sent}`, ...bad].join(', ');
}
