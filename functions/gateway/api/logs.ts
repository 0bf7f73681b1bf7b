/** Logs: of a function from its pods, of a build from its pod or, once that is gone, from S3. */
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { type LogLine, logLineSchema } from '#shared/api/schemas.ts';
import { SECOND } from '#shared/durations.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { functionName } from '#shared/specs/names.ts';
import { findBuild, jobNameOf } from './chains.ts';
import { functionLog } from './function-log.ts';
import { identityOf, serviceOf } from './functions.ts';
import { operation } from './operation.ts';
import { noSuchResource } from './problems.ts';
import { streamOf } from './streams.ts';

const flag = z.enum(['0', '1', 'true', 'false']).optional();
const LOOK_EVERY = SECOND;
const UNITS = { s: SECOND, m: 60 * SECOND, h: 3600 * SECOND, d: 24 * 3600 * SECOND };

const since = z
  .union([
    z.iso.datetime({ offset: true }),
    z.string().regex(/^\d{1,6}[smhd]$/, 'must be a time, or such as 30s, 5m, 2h'),
  ])
  .optional();

export const functionLogLines = operation({
  method: 'GET',
  path: '/functions/{third_party_id}/{parser_id}/logs',
  says: 'Lines of the pods that there are, after `since` (a time, or such as 5m). follow=1: and of those that come.',
  query: z.object({ since, call: z.string().max(200).optional(), follow: flag }),
  answers: { lines: logLineSchema },
  handle: async ({ params, query, request, context }, deps) => {
    const identity = identityOf(params);
    const isKnown = (await serviceOf(deps, identity)) ?? (await isBuilding(deps, identity));
    if (!isKnown) {
      throw noSuchResource();
    }
    const wanted = { since: timeOf(query.since, deps.now()), follow: isSet(query.follow) };
    const lines = functionLog(deps, functionName(identity), wanted, context.signal);
    return streamOf(request, query.call === undefined ? lines : ofCall(lines, query.call), ({ time }) => time);
  },
});

export const buildLogLines = operation({
  method: 'GET',
  path: '/builds/{third_party_id}/{parser_id}/{correlation_id}/log',
  says: 'The log of a build. follow=1: waits for the build to begin, and ends with it.',
  query: z.object({ follow: flag }),
  answers: { lines: logLineSchema },
  handle: async ({ params, query, request, context }, deps) => {
    const identity = identityOf(params);
    const correlationId = params['correlation_id'] ?? '';
    if (!(await findBuild(deps, identity, correlationId))) {
      throw noSuchResource();
    }
    return streamOf(request, buildLog(deps, identity, correlationId, isSet(query.follow), context.signal));
  },
});

/** From the pod while there is one. What its end had to say, S3 has a moment later. */
async function* buildLog(
  deps: ApiDependencies,
  identity: Identity,
  correlationId: string,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<LogLine, void> {
  for (;;) {
    const found = await findBuild(deps, identity, correlationId);
    const job = found && (found.build.job_name ?? jobNameOf(found.chain));
    const isOver = !found || found.build.completed_at !== undefined;
    let lines = 0;
    for await (const line of job === undefined ? [] : podLog(deps, job, follow, signal)) {
      lines += 1;
      yield line;
    }
    if (lines > 0 || signal.aborted) {
      return;
    }
    if (isOver || !follow) {
      const time = found?.build.completed_at ?? deps.now().toISOString();
      const text = (await found?.logOf()) ?? '';
      yield* text.split('\n').flatMap((line) => (line === '' ? [] : [{ time, pod: job ?? '', text: line }]));
      return;
    }
    await wait(LOOK_EVERY, undefined, { signal }).catch(() => {});
  }
}

async function* podLog(
  { cluster, streamLog, buildsNamespace: namespace }: ApiDependencies,
  job: string,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<LogLine, void> {
  for (const { metadata } of await cluster.listPods(`batch.kubernetes.io/job-name=${job}`)) {
    const pod = metadata?.name ?? '';
    for await (const { time, text } of streamLog({ namespace, pod, container: KANIKO, follow }, signal)) {
      // As build-monitor does before it keeps a log.
      yield { time, pod, container: KANIKO, text: redactCredentials(text) };
    }
  }
}

async function* ofCall(lines: AsyncIterable<LogLine>, call: string): AsyncGenerator<LogLine, void> {
  for await (const line of lines) {
    if (line.call === call || line.text.includes(call)) {
      yield line;
    }
  }
}

async function isBuilding({ snapshot }: ApiDependencies, identity: Identity): Promise<true | undefined> {
  const { running } = await snapshot();
  return running.some((one) => subjectOf(one) === subjectOf(identity)) ? true : undefined;
}

function isSet(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}

function timeOf(given: string | undefined, now: Date): string | undefined {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(given ?? '') ?? [];
  return amount === undefined
    ? given
    : new Date(now.getTime() - Number(amount) * UNITS[unit as keyof typeof UNITS]).toISOString();
}
