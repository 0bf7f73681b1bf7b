/** From build.start of a function that is new to lifecycle.function.ready, and to the first answer of its code. */
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '#bench/row.ts';
import type { Seen, UnderTest } from '#bench/under-test.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { ECHO, type Files } from './sources.ts';
import { seconds, table } from './table.ts';

/** A call that found nobody who delivers it has vanished, so it is sent again after this time. */
const RESEND_MILLISECONDS = 200;
const PATIENCE_MILLISECONDS = 120_000;

/** Milliseconds. */
export interface FirstDeployment {
  service: string;
  image: string;
  startToReady: number;
  startToAnswer: number;
  /** From lifecycle.build.completed, which is sent once the function's objects have been applied. */
  completedToReady: number;
  completedToAnswer: number;
}

export async function timeFirstDeployment(
  cluster: UnderTest,
  identity: Identity,
  files: Files = ECHO,
): Promise<FirstDeployment> {
  await cluster.upload(identity, files);
  const from = cluster.seen.length;
  const subject = subjectOf(identity);
  const next = (type: string) =>
    cluster.wait(`${type} of ${subject}`, ({ event }) => event.type === type && event.subject === subject);
  await cluster.send({ type: 'build.start', subject, data: identity });
  const asked = await next('build.start');
  const ended = await next('build.complete');
  if (ended.event.data.status !== 'success') {
    throw new Error(`the build of ${subject} ended as ${ended.event.data.status}: ${ended.event.data.error_message}`);
  }
  const completed = await next('lifecycle.build.completed');
  const [answered, ready] = await Promise.all([firstAnswer(cluster, subject, from), next('lifecycle.function.ready')]);
  return {
    service: completed.event.data.service_name,
    image: ended.event.data.image_uri,
    startToReady: ready.at - asked.at,
    startToAnswer: answered.at - asked.at,
    completedToReady: ready.at - completed.at,
    completedToAnswer: answered.at - completed.at,
  };
}

async function firstAnswer({ seen, send }: UnderTest, subject: string, from: number): Promise<Seen> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  const answer = () =>
    seen.slice(from).find(({ event }) => event.type === 'parser.complete' && event.subject === subject);
  while (performance.now() < deadline) {
    await send({ type: 'parser.start', subject, data: { first: true } });
    for (let waited = 0; waited < RESEND_MILLISECONDS; waited += 10) {
      const found = answer();
      if (found) {
        return found;
      }
      await sleep(10);
    }
  }
  throw new Error(`${subject} does not answer`);
}

export async function firstDeployments(cluster: UnderTest, { runs }: { runs: number }): Promise<string> {
  const all: FirstDeployment[] = [];
  for (let run = 1; run <= runs; run += 1) {
    console.error(`first deployment: ${run} of ${runs} …`);
    all.push(await timeFirstDeployment(cluster, cluster.identity('bench-first')));
  }
  return deploymentTable(all);
}

export function deploymentTable(all: FirstDeployment[]): string {
  const row = (name: string, pick: (one: FirstDeployment) => number) => {
    const times = all.map(pick);
    return [name, seconds(median(times)), seconds(Math.min(...times)), seconds(Math.max(...times))];
  };
  return table(
    `A first deployment (Node, no dependencies), seconds, ${all.length} of them`,
    ['', 'median', 'least', 'most'],
    [
      row('build.start → lifecycle.function.ready', ({ startToReady }) => startToReady),
      row('build.start → first answer', ({ startToAnswer }) => startToAnswer),
      row('lifecycle.build.completed → lifecycle.function.ready', ({ completedToReady }) => completedToReady),
      row('lifecycle.build.completed → first answer', ({ completedToAnswer }) => completedToAnswer),
    ],
  );
}
