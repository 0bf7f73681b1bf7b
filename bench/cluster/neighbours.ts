/** Ten good functions of two tenants, first alone, then beside four bad ones of two others. */
import { percentile } from '#bench/row.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { StreamReport } from '#test/e2e/caller.ts';
import { type Caller, callsOf } from '#test/e2e/open-caller.ts';
import {
  type CalledFunction,
  createFunctions,
  deleteFunctions,
  type Template,
  type Wanted,
  type Way,
} from './functions.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { table } from './table.ts';

const GOOD = 10;
/** Of the calls of the bad ones that are called all the time. */
const BAD_EVERY_MILLISECONDS = 1000;
const FLOOD = 2000;
/** After the beginning, so that the flood meets a system that is busy. */
const FLOOD_AFTER_MILLISECONDS = 10_000;
const PATIENCE_SECONDS = 300;
const WARM_UP = 5;

interface Bad {
  name: string;
  tenant: 'third' | 'fourth';
  parameters: NonNullable<Wanted['parameters']>;
  data: object;
}

const BAD: Bad[] = [
  // Its calls end within the minutes that this takes.
  { name: 'hanging', tenant: 'third', parameters: { timeout_seconds: 20 }, data: { do: 'hang' } },
  { name: 'crashing', tenant: 'third', parameters: {}, data: { do: 'crash' } },
  {
    name: 'leaking',
    tenant: 'fourth',
    parameters: { resources: { requests: { memory: '32Mi' }, limits: { memory: '128Mi' } } },
    data: { do: 'leak' },
  },
  { name: 'flooding', tenant: 'fourth', parameters: {}, data: {} },
];

export interface Neighbours {
  /** Of each of the two phases. */
  seconds: number;
  /** Events a second, of each good function. */
  rate: number;
  way: Way;
}

export async function neighbours(
  cluster: ClusterUnderTest,
  { caller, template, wanted }: { caller: Caller; template: Template; wanted: Neighbours },
): Promise<string> {
  const { seconds, rate, way } = wanted;
  const tenants = ['first', 'second', 'third', 'fourth'].map((tenant) => [tenant, cluster.identity(tenant)] as const);
  const of = (tenant: string, role: string): Identity => ({
    ...cluster.identity(`bench-${role}`),
    third_party_id: tenants.find(([name]) => name === tenant)?.[1].third_party_id ?? '',
  });
  const all = await createFunctions(cluster, template, {
    owner: caller.owner,
    wanted: [
      ...Array.from({ length: GOOD }, (_, n) => ({
        way,
        identity: of(n % 2 === 0 ? 'first' : 'second', `good-${n}`),
        parameters: { scaling: { min: 1 } },
      })),
      ...BAD.map(({ name, tenant, parameters }) => ({ way, identity: of(tenant, name), parameters })),
    ],
  });
  const good = all.slice(0, GOOD);
  const bad = all.slice(GOOD);
  const count = seconds * rate;
  const goodStreams = good.map(({ subject }) => callsOf(caller, subject, { count, every: 1000 / rate }));
  const [alone, together] = await cluster.unobserved(async () => {
    const warmUp = all.map(({ subject }) => callsOf(caller, subject, { count: WARM_UP }));
    await caller.run({ streams: warmUp.slice(0, GOOD), patience: PATIENCE_SECONDS });
    console.error(`${GOOD} good functions, ${rate} events a second each, ${seconds} s …`);
    const first = await caller.run({ streams: goodStreams, patience: PATIENCE_SECONDS });
    console.error('the same beside a hanging, a crashing, a leaking and a flooding one …');
    const second = await caller.run({
      streams: [...goodStreams, ...BAD.map((one, index) => badStream(caller, one, { called: bad[index], seconds }))],
      patience: PATIENCE_SECONDS,
    });
    return [first, second] as const;
  });
  await deleteFunctions(cluster, all);
  return report({ alone, together, wanted });
}

function badStream(
  caller: Caller,
  { name, data }: Bad,
  { called, seconds }: { called: CalledFunction | undefined; seconds: number },
) {
  const stream =
    name === 'flooding'
      ? { count: FLOOD, after: FLOOD_AFTER_MILLISECONDS }
      : { count: Math.floor((seconds * 1000) / BAD_EVERY_MILLISECONDS), every: BAD_EVERY_MILLISECONDS };
  return callsOf(caller, called?.subject ?? '', { ...stream, name, data });
}

function report({
  alone,
  together,
  wanted: { seconds, rate, way },
}: {
  alone: StreamReport[];
  together: StreamReport[];
  wanted: Neighbours;
}): string {
  const phases = [alone, together.slice(0, GOOD)];
  const latencies = phases.map((reports) => reports.flatMap((one) => one.latencies));
  const at = (share: number) => latencies.map((all) => percentile(all, share));
  const row = (name: string, [before = Number.NaN, after = Number.NaN]: number[], aim = '') => [
    name,
    before.toFixed(1),
    after.toFixed(1),
    (after / before).toFixed(2),
    aim,
  ];
  const total = (pick: (one: StreamReport) => number) =>
    phases.map((reports) => String(reports.reduce((sum, one) => sum + pick(one), 0)));
  return [
    table(
      `${GOOD} good functions of two tenants, ${rate} events a second each for ${seconds} s, delivery ${way}, ms`,
      ['', 'alone', 'beside the four', 'ratio', 'aim'],
      [
        row('p50', at(0.5)),
        row('p95', at(0.95), '≤ 1.5'),
        row('p99', at(0.99)),
        ['events taken by the Broker', ...total(({ sent }) => sent), '', ''],
        ['answered by parser.complete, succeeded', ...total(({ complete, failed }) => complete - failed), '', ''],
        ['failed', ...total(({ failed }) => failed), '', '0'],
        ['rejected', ...total(({ rejected }) => rejected), '', '0'],
        ['without outcome', ...total(({ unanswered }) => unanswered.length), '', '0'],
      ],
    ),
    table(
      'The four bad ones: outcomes of their calls',
      ['', 'sent', 'succeeded', 'failed', 'rejected', `none after ${PATIENCE_SECONDS} s (dead letter)`, 'p95 s'],
      together
        .slice(GOOD)
        .map((one) => [
          one.name,
          ...[one.sent, one.complete - one.failed, one.failed, one.rejected, one.unanswered.length].map(String),
          (percentile(one.latencies, 0.95) / 1000).toFixed(1),
        ]),
    ),
  ].join('\n');
}
