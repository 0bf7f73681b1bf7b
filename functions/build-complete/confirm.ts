/** Whether anything but the event itself says so: anybody who reaches the broker can send a build.complete. */
import type { V1Job } from '@kubernetes/client-node';
import { isFromTheFuture } from '#shared/builds/clock.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { Problem } from '#shared/events/problem.ts';
import { readOutcome } from '#shared/requests/outcome.ts';
import { readRecord } from '#shared/requests/record.ts';
import { type Build, isOf, readBuild } from '#shared/specs/annotations.ts';
import { imageRepository, imageTag } from '#shared/specs/names.ts';
import type { BuildCompleteDependencies, BuildCompleteEvent } from './dependencies.ts';

/** A success that a Job or a record confirms. */
export interface Confirmed {
  /** What that Job or record says, whatever the event claimed. */
  outcome: BuildComplete;
  /** What to write on the objects that are deployed. */
  build: Build;
  /** By digest, from this tenant's repository. */
  image: string;
  /** Undefined where the source was built before, or the Job has gone. */
  job?: V1Job | undefined;
}

/** Any other end: it changes nothing, so the claim will do where there is no Job. */
interface Unsuccessful {
  outcome: BuildComplete & { status: Exclude<BuildComplete['status'], 'success'> };
  job?: V1Job | undefined;
}

export async function confirm(
  event: BuildCompleteEvent,
  deps: BuildCompleteDependencies,
): Promise<Confirmed | Unsuccessful | { problems: Problem[] } | 'processed'> {
  const { data } = event;
  const job = data.job_name ? await deps.cluster.getJob(data.job_name) : undefined;
  const build = job && readBuild(job);
  if (job && (!build || !isOf(data, job))) {
    const message = `is "${data.job_name}", which is no build of this parser`;
    return { problems: [{ path: 'data.job_name', message }] };
  }
  // A forced build takes the name of the one before it, whose event may be delivered once more: it must not end the new one.
  if (job && build && terminalId(build.event_id) === event.id) {
    return await confirmByJob(job, build, deps);
  }
  return isUnsuccessful(data) ? { outcome: data } : await confirmByRecord(event, deps);
}

async function confirmByJob(job: V1Job, build: Build, deps: BuildCompleteDependencies) {
  const name = job.metadata?.name ?? '';
  const outcome = outcomeOf(job, await deps.cluster.listPods(`batch.kubernetes.io/job-name=${name}`));
  if (!outcome) {
    return {
      problems: [{ path: 'data.job_name', message: `is "${name}", which is still running: its end will be told` }],
    };
  }
  if (isUnsuccessful(outcome)) {
    return { outcome, job };
  }
  const image = outcome.image_uri ?? '';
  const problem = repositoryProblem(image, outcome, deps);
  return problem ? { problems: [problem] } : { outcome, job, build, image };
}

/** Of a source that had been built before, or of a Job that has gone since. */
async function confirmByRecord({ id, traceparent, data }: BuildCompleteEvent, deps: BuildCompleteDependencies) {
  const { fingerprint, image_uri, observed_at } = data;
  const record = fingerprint ? await readRecord(deps.store, deps.temporaryBucket, fingerprint, data) : undefined;
  // A forced build may have replaced the record that the request was answered from.
  const answered =
    record?.image_uri === image_uri
      ? undefined
      : await readOutcome(deps.store, { bucket: deps.temporaryBucket, identity: data, terminalId: id });
  if (answered?.end === id && answered.reply.type !== 'build.complete') {
    return 'processed' as const;
  }
  const end = answered?.reply.type === 'build.complete' ? answered.reply.data : undefined;
  const image = answered ? end?.image_uri : record?.image_uri;
  if (!record || !observed_at || !image || image !== image_uri) {
    return {
      problems: [
        {
          path: 'data',
          message: `claims a success that neither a Job nor a record of an earlier build confirms: send build.start instead`,
        },
      ],
    };
  }
  const problem = repositoryProblem(image, data, deps);
  if (problem) {
    return { problems: [problem] };
  }
  if (isFromTheFuture(observed_at, deps.now())) {
    return { problems: [{ path: 'data.observed_at', message: `is ${observed_at}, which is still to come` }] };
  }
  const outcome: BuildComplete = { ...data, build_key: record.build_key };
  const build: Build = {
    third_party_id: data.third_party_id,
    parser_id: data.parser_id,
    build_key: record.build_key,
    fingerprint: record.fingerprint,
    observed_at,
    correlation_id: data.correlation_id,
    event_id: id,
    traceparent,
    image: `${imageRepository(deps.imageRegistry, data)}:${imageTag(record.build_key)}`,
    language: record.language,
    priority: DEFAULT_PRIORITY,
    parameters: data.parameters,
  };
  return { outcome, build, image };
}

const DEFAULT_PRIORITY = 5;

function repositoryProblem(
  image: string,
  identity: BuildComplete,
  { imageRegistry }: BuildCompleteDependencies,
): Problem | undefined {
  const repository = imageRepository(imageRegistry, identity);
  return image.startsWith(`${repository}@sha256:`)
    ? undefined
    : { path: 'data.image_uri', message: `is "${image}", which is not in this parser's repository ${repository}` };
}

function isUnsuccessful(outcome: BuildComplete): outcome is Unsuccessful['outcome'] {
  return outcome.status !== 'success';
}
