/**
 * The first call of a function that is at zero: through the Broker and the door, and by a request to the function
 * itself, in turns.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '#bench/row.ts';
import { type Caller, callsOf } from '#test/e2e/open-caller.ts';
import {
  type CalledFunction,
  createFunctions,
  deleteFunctions,
  type Template,
  type Wanted,
  type Way,
} from './functions.ts';
import { idle } from './idle.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { seconds, table } from './table.ts';

const DOOR = 'parser-events';
const PATIENCE_SECONDS = 180;
/** Between the end of the last pod and the call: Knative puts its activator in the path again. */
const SETTLE_MILLISECONDS = 1000;
/** The shortest that Knative takes. */
const WINDOW = '6s';

interface Call {
  name: string;
  way: Way;
  /** The request goes to the function itself. */
  direct?: boolean;
  /** The door is at zero as well. */
  asleep?: boolean;
  aim?: string;
}

const CALLS: Call[] = [
  { name: 'a request to the function itself', way: 'shared', direct: true },
  { name: 'a Trigger of its own (the old way)', way: 'legacy' },
  { name: 'the door, awake', way: 'shared', aim: '≤ 1.05' },
  { name: 'the door, at zero too', way: 'shared', asleep: true, aim: '≤ 1.6' },
];

export async function callsFromZero(
  cluster: ClusterUnderTest,
  { caller, template, runs }: { caller: Caller; template: Template; runs: number },
): Promise<string> {
  const { owner } = caller;
  const awakeAlways: Wanted = { identity: cluster.identity('bench-awake'), parameters: { scaling: { min: 1 } } };
  const fromZero = ({ way }: Call): Wanted => ({
    identity: cluster.identity('bench-zero'),
    way,
    parameters: { scaling: { scale_down_delay: '0s' } },
    window: WINDOW,
  });
  const [warm, ...functions] = (await createFunctions(cluster, template, {
    owner,
    wanted: [awakeAlways, ...CALLS.map(fromZero)],
  })) as [CalledFunction, ...CalledFunction[]];
  const times = CALLS.map((): number[] => []);
  const notAtZero = await cluster.unobserved(async () => {
    let stillAwake = 0;
    // The first round is not counted: after it, every cache is as warm as it will be.
    for (let run = 0; run <= runs; run += 1) {
      for (const [index, call] of CALLS.entries()) {
        console.error(`from zero, ${call.name}: ${run} of ${runs} …`);
        const called = functions[index] as CalledFunction;
        const isIdle = await idle(cluster, call.asleep ? [called.service, DOOR] : [called.service]);
        stillAwake += isIdle ? 0 : 1;
        const took = await callOnce(caller, { call, called, warm });
        times[index]?.push(...(run > 0 ? [took] : []));
      }
    }
    return stillAwake;
  });
  await deleteFunctions(cluster, [warm, ...functions]);
  return report(times, runs) + (notAtZero > 0 ? `${notAtZero} of the calls did not begin from zero.\n` : '');
}

async function callOnce(
  caller: Caller,
  { call: { name, direct, asleep }, called, warm }: { call: Call; called: CalledFunction; warm: CalledFunction },
): Promise<number> {
  if (!asleep) {
    await caller.run({ streams: [callsOf(caller, warm.subject, { count: 1 })], patience: PATIENCE_SECONDS });
  }
  await sleep(SETTLE_MILLISECONDS);
  const stream = callsOf(caller, called.subject, { count: 1 });
  const [report] = await caller.run({
    streams: [direct ? { ...stream, url: caller.urlOf(called.service), direct } : stream],
    patience: PATIENCE_SECONDS,
  });
  const [took] = report?.latencies ?? [];
  if (took === undefined || report?.rejected) {
    throw new Error(`from zero, ${name}: ${called.service} was called and did not answer`);
  }
  return took;
}

function report(times: number[][], runs: number): string {
  const baseline = percentile(times[0] ?? [], 0.5);
  const rows = CALLS.map(({ name, aim = '' }, index) => {
    const own = times[index] ?? [];
    const middle = percentile(own, 0.5);
    return [name, seconds(middle), seconds(percentile(own, 0.95)), (middle / baseline).toFixed(2), aim];
  });
  return table(`A call from zero, ${runs} of each in turns`, ['', 'p50 s', 'p95 s', '× a request', 'aim'], rows);
}
