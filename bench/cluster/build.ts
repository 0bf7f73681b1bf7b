/** One build from build.start to the first answer of the new code, by phase. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Seen, SeenEvent, UnderTest } from '#bench/under-test.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Parameters } from '#shared/events/parameters.ts';
import { FETCH_CONTEXT } from '#shared/specs/build-pod/fetch-context.ts';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { KANIKO_PHASES, kanikoPhases, type LogLine } from './kaniko-phases.ts';
import type { Files } from './sources.ts';

/** Milliseconds by name, in the order in which they pass. */
export type Phases = Record<string, number>;

export interface TimedBuild {
  phases: Phases;
  image: string;
  service: string;
  /** Milliseconds from the source listed to the manifest pushed, where no Job was needed. */
  append: number | undefined;
}

export const TOTAL = 'build.start → first answer';
export const KANIKO_TOTAL = 'of it Kaniko';
export const OVERHEAD = 'of it ours and the cluster’s';

/** Before an event that found nobody is sent again: a new Trigger takes a moment until the Broker delivers by it. */
const RESEND_MILLISECONDS = 300;

export interface Wanted {
  identity: Identity;
  files: Files;
  /** What the new code answers as `version`. */
  version: string;
  parameters?: Parameters;
}

export async function timeBuild(
  cluster: UnderTest,
  { identity, files, version, parameters = {} }: Wanted,
): Promise<TimedBuild> {
  await cluster.upload(identity, files);
  const from = cluster.seen.length;
  const subject = subjectOf(identity);
  const next = (type: string, matches: (event: SeenEvent) => boolean = () => true) =>
    cluster.wait(
      `${type} of ${subject}`,
      (seen) => isOf(cluster, seen, { from, type, subject }) && matches(seen.event),
    );
  await cluster.send({ type: 'build.start', subject, data: { ...identity, parameters } });
  const asked = await next('build.start');
  const ended = await next('build.complete');
  const { status, reason, error_message, image_uri, job_name, duration_ms } = ended.event.data;
  if (status !== 'success') {
    throw new Error(`the build of ${subject} ended as ${status} (${reason}): ${error_message}`);
  }
  const job = job_name ? await next('job.start') : undefined;
  const started = job_name ? await next('lifecycle.build.started') : undefined;
  const deployed = await next('lifecycle.build.completed');
  const ready = await next('lifecycle.function.ready', ({ data }) => data.image_uri === image_uri);
  const answered = await answer(cluster, { from, subject, version });

  const whole = answered.at - asked.at;
  const after: Phases = {
    'build-complete: started, Service and Trigger applied': deployed.at - ended.at,
    'function Ready': ready.at - deployed.at,
    'first answer': answered.at - ready.at,
  };
  const pod = job_name ? await inBuildPod(cluster, job_name) : undefined;
  const kaniko = pod ? pod.kaniko.ended - pod.kaniko.began : 0;
  const phases: Phases =
    pod && job && started
      ? {
          'build-start: started, source listed and packed': job.at - asked.at,
          'job-start: started, Job made': started.at - job.at,
          'build pod placed, context fetched': ended.at - started.at - (pod.told - pod.fetched),
          'sidecar and Kaniko started': pod.kaniko.began - pod.fetched,
          ...Object.fromEntries(KANIKO_PHASES.map((name) => [`Kaniko: ${name}`, pod.phases[name]])),
          'end noticed, build.complete sent': pod.told - pod.kaniko.ended,
          ...after,
        }
      : {
          'build-start: started, source listed, answered': ended.at - asked.at - duration_ms,
          'registry: image put together': duration_ms,
          ...after,
        };
  phases[TOTAL] = whole;
  phases[KANIKO_TOTAL] = kaniko;
  phases[OVERHEAD] = whole - kaniko;
  return {
    phases,
    image: image_uri,
    service: deployed.event.data.service_name,
    append: job_name ? undefined : duration_ms,
  };
}

/** build.start of an unchanged source → build.complete. */
export async function timeUnchanged(
  cluster: UnderTest,
  identity: Identity,
  parameters: Parameters = {},
): Promise<number> {
  const from = cluster.seen.length;
  const subject = subjectOf(identity);
  const next = (type: string) =>
    cluster.wait(`${type} of ${subject}`, (seen) => isOf(cluster, seen, { from, type, subject }));
  await cluster.send({ type: 'build.start', subject, data: { ...identity, parameters } });
  const asked = await next('build.start');
  return (await next('build.complete')).at - asked.at;
}

interface WantedEvent {
  /** Index in `seen`. */
  from: number;
  type: string;
  subject: string;
}

function isOf(cluster: UnderTest, seen: Seen, { from, type, subject }: WantedEvent): boolean {
  return seen.event.type === type && seen.event.subject === subject && cluster.seen.indexOf(seen) >= from;
}

async function answer(
  cluster: UnderTest,
  { from, subject, version }: { from: number; subject: string; version: string },
): Promise<Seen> {
  const wanted = { from, type: 'parser.complete', subject };
  for (let attempt = 0; attempt < 200; attempt += 1) {
    await cluster.send({ type: 'parser.start', subject });
    for (let waited = 0; waited < RESEND_MILLISECONDS; waited += 20) {
      const found = cluster.seen.find(
        (seen) => isOf(cluster, seen, wanted) && seen.event.data?.result?.version === version,
      );
      if (found) {
        return found;
      }
      await sleep(20);
    }
  }
  throw new Error(`${subject} does not answer with its new code`);
}

/** By the clock of its node, which may differ from ours: only differences are used. */
async function inBuildPod({ core, platform }: UnderTest, job: string) {
  const namespace = `${platform.namespace}-builds`;
  const labelSelector = `batch.kubernetes.io/job-name=${job}`;
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const pod = items.find(({ status }) => status?.phase !== 'Failed') as V1Pod;
  const log = async (container: string): Promise<LogLine[]> => {
    const name = pod.metadata?.name ?? '';
    const text = await core.readNamespacedPodLog({ namespace, name, container, timestamps: true });
    return text.split('\n').flatMap((line) => {
      const [time = '', ...words] = line.split(' ');
      return words.length > 0 ? [{ at: Date.parse(time), text: words.join(' ') }] : [];
    });
  };
  const [fetching, kaniko, monitor] = await Promise.all([log(FETCH_CONTEXT), log(KANIKO), log('build-monitor')]);
  const told = monitor.find(({ text }) => text.startsWith('sent build.complete')) ?? monitor.at(-1);
  return {
    fetched: fetching.at(-1)?.at ?? Number.NaN,
    kaniko: { began: kaniko[0]?.at ?? Number.NaN, ended: kaniko.at(-1)?.at ?? Number.NaN },
    phases: kanikoPhases(kaniko),
    told: told?.at ?? Number.NaN,
  };
}
