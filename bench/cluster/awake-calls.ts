/**
 * Calls of functions that are awake, by the door and by a Trigger of its own, in the same minutes: how long one takes,
 * and how many are answered in a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '#bench/row.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { StreamReport } from '#test/e2e/caller.ts';
import { type Caller, callsOf } from '#test/e2e/open-caller.ts';
import { type CalledFunction, createFunctions, deleteFunctions, expectOwnTrigger, type Template } from './functions.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { percentile, table } from './table.ts';

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
  byTrigger: CalledFunction;
  byDoor: CalledFunction[];
}

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
  const functionOf = (identity: Identity, delivery: 'shared' | 'trigger') =>
    ({ identity, delivery, parameters: PARAMETERS }) as const;
  const [byTrigger, ...byDoor] = await createFunctions(cluster, template, {
    owner,
    wanted: [
      functionOf(cluster.identity('bench-trigger'), 'trigger'),
      ...Array.from({ length: TENANTS }, () => functionOf(cluster.identity('bench-door'), 'shared')),
    ],
  });
  const compared: Compared = { byTrigger: byTrigger as CalledFunction, byDoor };
  const tables = await cluster.unobserved(async () => {
    const all = [compared.byTrigger, ...byDoor];
    const calls = all.map(({ subject }) => callsOf(caller, subject, { count: WARM_UP }));
    await caller.run({ streams: calls, inTurns: true, patience: PATIENCE_SECONDS });
    return [
      ...(wanted.calls > 0 ? [await oneAtATime(caller, compared, wanted)] : []),
      ...(wanted.events > 0 ? [await manyAtOnce(cluster, caller, { compared, wanted })] : []),
    ];
  });
  await expectOwnTrigger(cluster, compared.byTrigger);
  await deleteFunctions(cluster, [compared.byTrigger, ...byDoor]);
  return tables.join('\n');
}

async function oneAtATime(caller: Caller, { byTrigger, byDoor }: Compared, { calls }: AwakeCalls): Promise<string> {
  console.error(`calls one at a time: ${calls} of each …`);
  await sleep(SETTLE_MILLISECONDS);
  const count = calls;
  const reports = await caller.run({
    streams: [byTrigger, byDoor[0] as CalledFunction].map(({ subject }) => callsOf(caller, subject, { count })),
    inTurns: true,
    patience: PATIENCE_SECONDS,
  });
  const p50 = reports.map(({ latencies }) => percentile(latencies, 0.5));
  const p95 = reports.map(({ latencies }) => percentile(latencies, 0.95));
  const difference = ([before = Number.NaN, after = Number.NaN]: number[]) => (after - before).toFixed(2);
  const names = ['a Trigger of its own (the old way)', 'the door'];
  return table(
    `parser.start → parser.complete at the Broker, function awake, ms, ${calls} of each in turns`,
    ['', 'p50', 'p95', 'answered'],
    [
      ...reports.map((report, index) => [
        names[index] ?? '',
        (p50[index] ?? Number.NaN).toFixed(2),
        (p95[index] ?? Number.NaN).toFixed(2),
        answered(report),
      ]),
      ['difference (aim: p50 ≤ 3, p95 ≤ 6)', difference(p50), difference(p95), ''],
    ],
  );
}

async function manyAtOnce(
  cluster: ClusterUnderTest,
  caller: Caller,
  { compared: { byTrigger, byDoor }, wanted: { events, rounds } }: { compared: Compared; wanted: AwakeCalls },
): Promise<string> {
  const ways: [string, CalledFunction[]][] = [
    ['a Trigger of its own (the old way)', [byTrigger]],
    ['the door, one function', byDoor.slice(0, 1)],
    [`the door, ${TENANTS} functions of ${TENANTS} tenants`, byDoor],
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
      ['', 'a second', '× a Trigger', 'each round', 'not answered'],
      ways.map(([name], index) => [
        name,
        median(rates[index] ?? []).toFixed(0),
        (median(rates[index] ?? []) / baseline).toFixed(2),
        (rates[index] ?? []).map((rate) => rate.toFixed(0)).join(', '),
        String(lost[index]),
      ]),
    ),
    `Pods of the door, at most: ${doorPods}. The aim: the door ≥ 0.7 × a Trigger with one pod.\n`,
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
