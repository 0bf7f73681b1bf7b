/** What docs/chaos.md promises of a platform that has come to rest, as far as HTTP shows it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Job } from '@kubernetes/client-node';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { BUILDS, FUNCTIONS } from '#shared/specs/labels.ts';
import { functionName } from '#shared/specs/names.ts';
import { REQUESTS } from '#shared/specs/s3-keys.ts';
import { inParallel } from './in-parallel.ts';
import type { UnderTest } from './under-test.ts';

/** What a function's clients asked for last: the version of its code; undefined: that it goes. */
export type Wanted = Map<Identity, string | undefined>;

const REST_SECONDS = 120;
const CALL_AGAIN_MS = 500;
/** Functions that are called at the same time: each may have to start. */
const AT_ONCE = 4;

/** Calls each function until it answers as wanted, and waits until nothing is left over. Answers what is broken. */
export async function brokenPromises(target: UnderTest, wanted: Wanted): Promise<string[]> {
  const broken: string[] = [];
  await inParallel([...wanted], AT_ONCE, async ([identity, version]) => {
    const answered = version === undefined || (await answers(target, identity, version));
    broken.push(...(answered === true ? [] : [`${subjectOf(identity)} ${answered}`]));
  });
  const deadline = performance.now() + REST_SECONDS * 1000;
  for (;;) {
    const left = await leftOver(target, wanted);
    if (left.length === 0 || performance.now() > deadline) {
      return [...broken, ...left];
    }
    await sleep(1000);
  }
}

/** `newest`: true, or what it does in place of it. */
async function answers(target: UnderTest, identity: Identity, version: string): Promise<true | string> {
  const subject = subjectOf(identity);
  const from = target.seen.length;
  const deadline = performance.now() + REST_SECONDS * 1000;
  let last = 'nothing';
  while (performance.now() < deadline) {
    await target.send({ type: 'parser.start', subject });
    await sleep(CALL_AGAIN_MS);
    const answer = target.seen
      .slice(from)
      .findLast(
        ({ event }) => ['parser.complete', 'event.rejected'].includes(event.type) && event.subject === subject,
      )?.event;
    if (answer?.data?.result?.version === version) {
      return true;
    }
    last = JSON.stringify(answer?.data?.result ?? answer?.data ?? last).slice(0, 200);
  }
  return `does not answer with version ${version}, but ${last}`;
}

/** `orphans`, and that what was deleted has gone. */
async function leftOver(target: UnderTest, wanted: Wanted): Promise<string[]> {
  const { objects, platform } = target;
  const { namespace } = platform;
  const list = async <T extends KubernetesObject>(apiVersion: string, kind: string, place: string, labels?: string) =>
    (await objects.list<T>(apiVersion, kind, place, undefined, undefined, undefined, undefined, labels)).items;
  const services = await list('serving.knative.dev/v1', 'Service', namespace, FUNCTIONS);
  const triggers = await list('eventing.knative.dev/v1', 'Trigger', namespace, FUNCTIONS);
  const jobs = await list<V1Job>('batch/v1', 'Job', `${namespace}-builds`, BUILDS);
  const pending = await target.kept(REQUESTS);
  const names = services.map(({ metadata }) => metadata?.name ?? '');
  const expected = [...wanted].flatMap(([identity, version]) =>
    version === undefined ? [] : [functionName(identity)],
  );
  const isOver = ({ status }: V1Job) =>
    status?.conditions?.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True') ?? false;
  return [
    ...names.filter((name) => !expected.includes(name)).map((name) => `Service ${name} was deleted, and is there`),
    ...expected.filter((name) => !names.includes(name)).map((name) => `Service ${name} is not there`),
    ...triggers.map(({ metadata }) => metadata?.name).map((name) => `Trigger ${name} is not wanted`),
    ...jobs.filter((job) => !isOver(job)).map(({ metadata }) => `Job ${metadata?.name} has not ended`),
    ...jobs
      .filter(({ metadata }) => (metadata?.finalizers ?? []).length > 0)
      .map(({ metadata }) => `Job ${metadata?.name} still has its finalizer`),
    ...pending.map((key) => `${key} is still pending`),
  ];
}
