/**
 * Requests from zero: the builder's function and a user's beside services that do nothing, in turns, so that whatever
 * else the cluster does falls on all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '#bench/row.ts';
import type { Identity } from '#shared/events/identity.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { EventToSend } from '#test/contract/post.ts';
import { waitUntil } from '#test/contract/wait-until.ts';
import { copyOf, HELLO, type KnativeService, running } from './baselines.ts';
import { timeBuild } from './build.ts';
import { awake, idle } from './idle.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { emptyService, SOURCES } from './sources.ts';
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
  console.error('building the baseline and a function …');
  const empty = cluster.identity('bench-empty');
  const { image } = await builtImage(cluster, empty);
  const own = cluster.identity('bench-node');
  const { service } = await timeBuild(cluster, { identity: own, files: SOURCES['node']?.('1') ?? {}, version: '1' });

  const short = platform.run;
  const buildStart = await read(cluster, 'build-start');
  const user = await read(cluster, service);
  const copy = (name: string, of = buildStart) => copyOf(of, `bench-${short}-${name}`, owner);
  const nothing = { type: 'bench.nothing' };
  const measured: Measured[] = [
    { label: 'an empty Go service', service: running(copy('go'), { image }), event: nothing },
    {
      label: 'a Node server that does nothing',
      service: running(copy('node'), { image: config['BASE_IMAGE_NODE'] ?? '', command: HELLO }),
      event: nothing,
    },
    { label: 'a builder function (build-start)', service: copy('builder'), event: nothing, aim: '≤ 1.5' },
    {
      label: 'build-start, asked for an unchanged source',
      service: copy('unchanged'),
      event: { type: 'build.start', subject: subjectOf(own), data: own },
      aim: '≤ 1 s',
    },
    {
      label: 'a user function (Node)',
      service: copy('user', user),
      event: { type: 'parser.start', subject: subjectOf(own) },
    },
  ];
  for (const { service: wanted } of measured) {
    await cluster.objects.create(wanted as never);
  }
  for (const { service: wanted } of measured) {
    await waitUntil(
      `Service ${wanted.metadata.name} to be Ready (kubectl describe ksvc -n ${platform.namespace} ${wanted.metadata.name})`,
      async () => isReady(await read(cluster, wanted.metadata.name)),
      { seconds: 180, every: 500 },
    );
  }
  // Each has been called once from zero before its time counts: the node has its image, and every cache is as warm as
  // it will be.
  for (const { service: wanted, event } of measured) {
    await idle(cluster, [wanted.metadata.name]);
    await cluster.call(wanted.metadata.name, event);
  }
  return measured;
}

/** It answers no CloudEvents, so its build is not timed to an answer. */
async function builtImage(cluster: ClusterUnderTest, identity: Identity): Promise<{ image: string }> {
  await cluster.upload(identity, emptyService(cluster.config));
  const subject = subjectOf(identity);
  await cluster.send({ type: 'build.start', subject, data: identity });
  const { event } = await cluster.wait(
    `build.complete of ${subject}`,
    (seen) => seen.event.type === 'build.complete' && seen.event.subject === subject,
  );
  if (event.data.status !== 'success') {
    throw new Error(`the baseline could not be built: ${event.data.error_message}`);
  }
  return { image: event.data.image_uri };
}

async function read({ objects, platform }: ClusterUnderTest, name: string): Promise<KnativeService> {
  const metadata = { name, namespace: platform.namespace };
  return (await objects.read({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata })) as KnativeService;
}

function isReady(service: KnativeService): boolean {
  const { status } = service as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
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
