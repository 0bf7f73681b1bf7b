/**
 * Requests from zero: the builder's function and a user's beside services that do nothing, in turns, so that whatever
 * else the cluster does falls on all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '#bench/row.ts';
import type { Identity } from '#shared/events/identity.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { EventToSend } from '#test/contract/post.ts';
import { copyOf, createAndWait, HELLO, type KnativeService, readService, running } from './baselines.ts';
import { deploy, emptyGoImage } from './deploy.ts';
import { awake, idle } from './idle.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { SOURCES } from './sources.ts';
import { seconds, table } from './table.ts';

/** Between the end of the last pod and the next request: Knative puts its activator in the path again. */
const SETTLE_MILLISECONDS = 1000;

interface Measured {
  label: string;
  service: KnativeService;
  event: EventToSend;
  aim?: string;
}

export async function fromZero(cluster: ClusterUnderTest, { runs }: { runs: number }): Promise<string> {
  const measured = await prepare(cluster);
  const names = measured.map(({ service }) => service.metadata.name);
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let run = 1; run <= runs; run += 1) {
    console.error(`from zero: ${run} of ${runs} …`);
    const waiting = [...measured];
    while (waiting.length > 0) {
      const busy = await awake(cluster, names);
      const index = waiting.findIndex(({ service }) => !busy.includes(service.metadata.name));
      if (index < 0) {
        await sleep(500);
        continue;
      }
      const [{ service, event }] = waiting.splice(index, 1) as [Measured];
      await sleep(SETTLE_MILLISECONDS);
      times.get(service.metadata.name)?.push(await cluster.call(service.metadata.name, event));
    }
  }
  return report(measured, times, runs);
}

async function prepare(cluster: ClusterUnderTest): Promise<Measured[]> {
  const { platform, owner, config } = cluster;
  console.error('building the functions …');
  const image = await emptyGoImage(cluster);
  const own = cluster.identity('bench-node');
  const python = cluster.identity('bench-python');
  const node = await deploy(cluster, own, SOURCES['node']?.('1') ?? {});
  const other = await deploy(cluster, python, SOURCES['python']?.('1') ?? {});

  const buildStart = await readService(cluster, 'build-start');
  const copy = (name: string, of = buildStart) => copyOf(of, `bench-${platform.run}-zero-${name}`, owner);
  const nothing = { type: 'bench.nothing' };
  const called = (identity: Identity) => ({ type: 'parser.start', subject: subjectOf(identity) });
  const measured: Measured[] = [
    { label: 'an empty Go service', service: running(copy('go'), { image }), event: nothing },
    {
      label: 'a Node server that does nothing',
      service: running(copy('node'), { image: config['BASE_IMAGE_NODE'] ?? '', command: HELLO }),
      event: nothing,
    },
    { label: 'a builder function (build-start)', service: copy('builder'), event: nothing, aim: '≤ 1.10' },
    {
      label: 'a user function (Node)',
      service: copy('user', await readService(cluster, node.service)),
      event: called(own),
      aim: '≤ 1.0',
    },
    {
      label: 'a user function (Python)',
      service: copy('python', await readService(cluster, other.service)),
      event: called(python),
      aim: '≤ 1.0',
    },
  ];
  await createAndWait(
    cluster,
    measured.map(({ service }) => service),
  );
  // Each has been called once from zero before its time counts: the node has its image, and every cache is as warm as
  // it will be.
  for (const { service: wanted, event } of measured) {
    await idle(cluster, [wanted.metadata.name]);
    await cluster.call(wanted.metadata.name, event);
  }
  return measured;
}

function report(measured: Measured[], times: Map<string, number[]>, runs: number): string {
  const baseline = percentile(times.get(measured[0]?.service.metadata.name ?? '') ?? [], 0.5);
  const rows = measured.map(({ label, service, aim = '' }) => {
    const own = times.get(service.metadata.name) ?? [];
    const middle = percentile(own, 0.5);
    return [label, seconds(middle), seconds(percentile(own, 0.95)), (middle / baseline).toFixed(2), aim];
  });
  return table(`A request from zero, ${runs} of each in turns`, ['', 'p50 s', 'p95 s', '× Go', 'aim'], rows);
}
