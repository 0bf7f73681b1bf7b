/** Many functions that nobody calls: what they cost, and whether some of them, chosen by chance, answer from zero. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { percentile } from '#bench/row.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { type Caller, callsOf } from '#test/e2e/open-caller.ts';
import {
  type CalledFunction,
  createFunction,
  deleteFunctions,
  type Template,
  type Way,
  waitForFunction,
} from './functions.ts';
import { memoryOf } from './memory.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { seconds, table } from './table.ts';

/** A function starts one pod to become Ready, and a node has room for some only. */
const STARTING_AT_ONCE = 8;
const WINDOW = '6s';
const IDLE_MILLISECONDS = 300_000;
const PATIENCE_SECONDS = 300;

const SERVICE_LABEL = 'serving.knative.dev/service';
/** `sweep` is called every minute. The door may have a pod always. */
const SELDOM_IDLE = ['sweep', 'parser-events'];

/** Without the pods of SELDOM_IDLE, which come and go. */
interface Namespace {
  pods: number;
  /** Of the functions under test: pods, and queues. */
  theirs: { pods: number; queues: number };
  /** MiB. */
  memory: number;
  requested: { cpu: number; memory: number };
}

export interface IdleFunctions {
  functions: number;
  /** How many of them are called afterwards. */
  called: number;
  way: Way;
}

export async function idleFunctions(
  cluster: ClusterUnderTest,
  { caller, template, wanted }: { caller: Caller; template: Template; wanted: IdleFunctions },
): Promise<string> {
  const { functions, called, way } = wanted;
  await allIdle(cluster);
  const before = await look(cluster, []);
  const all = await create(cluster, { caller, template, wanted });
  await allIdle(cluster);
  const after = await look(cluster, all);
  const difference = (pick: (namespace: Namespace) => number) =>
    [pick(before), pick(after), pick(after) - pick(before)].map((figure) => figure.toFixed(0));
  const rows = [
    ['pods of the namespace', ...difference(({ pods }) => pods)],
    ['pods of theirs', '', String(after.theirs.pods), ''],
    ['queues of theirs', '', String(after.theirs.queues), ''],
    ['working set of the pods, MiB', ...difference(({ memory }) => memory)],
    ['CPU requested, m', ...difference(({ requested }) => requested.cpu * 1000)],
    ['memory requested, MiB', ...difference(({ requested }) => requested.memory / 2 ** 20)],
  ];

  console.error(`calling ${called} of ${functions} from zero …`);
  const chosen = [...all].sort(() => Math.random() - 0.5).slice(0, called);
  const reports = await caller.run({
    streams: chosen.map(({ subject }) => callsOf(caller, subject, { count: 1, after: 0 })),
    patience: PATIENCE_SECONDS,
  });
  const latencies = reports.flatMap((report) => report.latencies);
  const complete = reports.reduce((sum, report) => sum + report.complete - report.failed, 0);
  await deleteFunctions(cluster, all);
  return [
    table(`${functions} idle functions, delivery ${way}`, ['', 'before', 'after', 'difference'], rows),
    `${called} of them, chosen by chance and called at once: ${complete} answered; median ${seconds(percentile(latencies, 0.5))} s, longest ${seconds(Math.max(...latencies))} s.\n`,
  ].join('\n');
}

async function create(
  cluster: ClusterUnderTest,
  { caller, template, wanted: { functions, way } }: { caller: Caller; template: Template; wanted: IdleFunctions },
): Promise<CalledFunction[]> {
  const all: CalledFunction[] = [];
  const began = performance.now();
  let started = 0;
  const worker = async () => {
    while (started < functions) {
      started += 1;
      const wanted = {
        way,
        identity: cluster.identity(`bench-idle-${started}`),
        parameters: {
          scaling: { scale_down_delay: '0s' },
          resources: { requests: { cpu: '10m', memory: '32Mi' } },
        },
        window: WINDOW,
      };
      const called = await createFunction(cluster, template, { wanted, owner: caller.owner });
      all.push(called);
      if (all.length % 20 === 0) {
        console.error(`${all.length} of ${functions} functions after ${seconds(performance.now() - began)} s …`);
      }
      await waitForFunction(cluster, called, way);
    }
  };
  await Promise.all(Array.from({ length: STARTING_AT_ONCE }, worker));
  return all;
}

/** Until no function has a pod, of those under test and of the builder's, but for those that never sleep for long. */
async function allIdle({ core, platform }: ClusterUnderTest): Promise<void> {
  const deadline = performance.now() + IDLE_MILLISECONDS;
  const labelSelector = `${SERVICE_LABEL},${SERVICE_LABEL} notin (${SELDOM_IDLE.join(',')})`;
  while ((await core.listNamespacedPod({ namespace: platform.namespace, labelSelector })).items.length > 0) {
    if (performance.now() > deadline) {
      console.error('  some did not scale to zero');
      return;
    }
    await sleep(2000);
  }
}

async function look(cluster: ClusterUnderTest, functions: CalledFunction[]): Promise<Namespace> {
  const { core, objects, platform } = cluster;
  const { namespace } = platform;
  const { items } = await core.listNamespacedPod({
    namespace,
    labelSelector: `${SERVICE_LABEL} notin (${SELDOM_IDLE.join(',')})`,
  });
  const queues = await objects.list('rabbitmq.com/v1beta1', 'Queue', namespace);
  const names = functions.map(({ service }) => service);
  const isTheirs = (name = '') => names.some((service) => name.includes(service));
  const sum = (resource: 'cpu' | 'memory') => items.reduce((total, pod) => total + requestOf(pod, resource), 0);
  return {
    pods: items.length,
    theirs: {
      // A dispatcher's pod has the name of its Trigger, which is the function's.
      pods: items.filter(({ metadata }) => isTheirs(metadata?.name)).length,
      queues: queues.items.filter(({ metadata }) => isTheirs(JSON.stringify(metadata))).length,
    },
    memory: (await memoryOf(cluster, items)) / 2 ** 20,
    requested: { cpu: sum('cpu'), memory: sum('memory') },
  };
}

function requestOf({ spec }: V1Pod, resource: 'cpu' | 'memory'): number {
  const quantities = spec?.containers.map(
    ({ resources }) => parseQuantity(resources?.requests?.[resource] ?? '0') ?? 0,
  );
  return (quantities ?? []).reduce((total, one) => total + one, 0);
}
