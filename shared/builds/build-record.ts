/**
 * What one build was and how long its phases took. build-complete, which sees the Job and its pods, says it with the
 * end of the build, in an extension; recorder, which keeps each event once, counts it.
 */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import * as z from 'zod';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { languages } from '#shared/events/parameters.ts';
import { readJson } from '#shared/read-json.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { FETCH_CONTEXT } from '#shared/specs/build-pod/fetch-context.ts';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { milliseconds } from './job-state.ts';
import { podsOf, terminated } from './pod-results.ts';

/** The extension of lifecycle.build.completed and lifecycle.build.failed. */
export const BUILD_RECORD = 'buildrecord';

/** `none`: the build ended before anything was built. */
export const PATHS = ['cached', 'layer', 'job', 'none'] as const;
/** `unknown`: the build ended before anybody knew. */
export const LANGUAGES = [...languages, 'docker', 'unknown'] as const;
/**
 * `queued` until admitted; `placed` until a container of the build pod ran; `context` is fetched; `build`: Kaniko, or
 * our own work where there is no Job; `deploy` until the Service was applied. `ready` follows, and is seen later.
 */
export const PHASES = ['queued', 'placed', 'context', 'build', 'deploy', 'ready'] as const;
export type Phase = (typeof PHASES)[number];

const schema = z.object({
  path: z.enum(PATHS),
  language: z.enum(LANGUAGES),
  /** Seconds of those that are known. */
  phases: z.partialRecord(z.enum(PHASES), z.number().nonnegative()),
});
export type BuildRecord = z.infer<typeof schema>;

/** Undefined where the event has none: an older version sent it. */
export function readBuildRecord(value: unknown): BuildRecord | undefined {
  return typeof value === 'string' ? schema.safeParse(readJson(value)).data : undefined;
}

export interface Ending {
  outcome: BuildComplete;
  build?: Pick<Build, 'language'> | undefined;
  phases?: BuildRecord['phases'] | undefined;
  /** An image was there to deploy. */
  hasImage: boolean;
  deployedAt?: Date | undefined;
}

export function buildRecord({ outcome, build, phases, hasImage, deployedAt }: Ending): BuildRecord {
  const path = outcome.cached ? 'cached' : outcome.job_name ? 'job' : hasImage ? 'layer' : 'none';
  const own = path === 'layer' && outcome.duration_ms !== undefined ? { build: outcome.duration_ms / 1000 } : {};
  return {
    path,
    language: build?.language ?? 'unknown',
    // What is deployed from a record was built long before.
    phases: { ...own, ...phases, ...(outcome.cached ? {} : span('deploy', outcome.completed_at, deployedAt)) },
  };
}

/** Of the pod that came last. Kubernetes' times are whole seconds. */
export function phasesOfJob(job: V1Job, pods: V1Pod[]): BuildRecord['phases'] {
  const pod = podsOf(job, pods).at(-1);
  const admitted = job.status?.startTime;
  const context = pod && terminated(pod, FETCH_CONTEXT);
  const kaniko = pod && terminated(pod, KANIKO);
  return {
    ...span('queued', job.metadata?.creationTimestamp, admitted),
    ...span('placed', admitted, firstStart(pod)),
    ...span('context', context?.startedAt, context?.finishedAt),
    ...span('build', kaniko?.startedAt, kaniko?.finishedAt),
  };
}

function firstStart(pod: V1Pod | undefined): Date | undefined {
  const starts = (pod?.status?.initContainerStatuses ?? []).flatMap(({ state }) => {
    const time = milliseconds(state?.running?.startedAt ?? state?.terminated?.startedAt);
    return time === undefined ? [] : [time];
  });
  return starts.length > 0 ? new Date(Math.min(...starts)) : undefined;
}

/** Empty where one end is not known. */
function span(phase: Phase, from: Date | string | undefined, to: Date | undefined): BuildRecord['phases'] {
  const [began, ended] = [milliseconds(from), milliseconds(to)];
  return began === undefined || ended === undefined ? {} : { [phase]: Math.max(0, ended - began) / 1000 };
}
