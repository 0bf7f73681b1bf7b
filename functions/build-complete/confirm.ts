/** Confirms a build.complete by the Job or a record: anybody who reaches the Broker can send one. */
import type { V1Job } from '@kubernetes/client-node';
import { type BuildRecord, phasesOfJob } from '#shared/builds/build-record.ts';
import { isFromTheFuture } from '#shared/builds/clock.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { retryConflicts } from '#shared/clients/retry-conflicts.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { Problem } from '#shared/events/problem.ts';
import { readOutcome } from '#shared/requests/outcome.ts';
import { readRecord } from '#shared/requests/record.ts';
import { type Build, isOf, readBuild } from '#shared/specs/annotations.ts';
import { imageRepository, imageTag } from '#shared/specs/names.ts';

export type Confirmation =
  | ConfirmedSuccess
  | Unsuccessful
  /** Nothing confirms the claim. */
  | { kind: 'unconfirmed'; problems: Problem[] }
  /** The Job is gone, which it is only after its end has been processed. */
  | { kind: 'processed' };

/** A success that a Job or a record confirms. */
export interface ConfirmedSuccess {
  kind: 'success';
  /** What that Job or record says, whatever the event claimed. */
  outcome: BuildComplete;
  /** What to write on the objects that are deployed. */
  build: Build;
  /** By digest, from this tenant's repository. */
  image: string;
  /** Undefined where the source was built before, or the Job is gone. */
  job?: V1Job | undefined;
  phases?: BuildRecord['phases'] | undefined;
}

/** Any other end, which deploys nothing. */
interface Unsuccessful {
  kind: 'unsuccessful';
  outcome: BuildComplete;
  job?: V1Job | undefined;
  phases?: BuildRecord['phases'] | undefined;
}

interface Confirming {
  store: Pick<ObjectStore, 'read'>;
  cluster: Pick<Cluster, 'getJob' | 'listPods'>;
  temporaryBucket: string;
  imageRegistry: string;
  now: () => Date;
}

export async function confirm(event: ReceivedEvent<BuildComplete>, deps: Confirming): Promise<Confirmation> {
  return await retryConflicts(() => confirmOnce(event, deps));
}

async function confirmOnce(event: ReceivedEvent<BuildComplete>, deps: Confirming): Promise<Confirmation> {
  const { data } = event;
  const job = data.job_name ? await deps.cluster.getJob(data.job_name) : undefined;
  const build = job && readBuild(job);
  if (job && (!build || !isOf(data, job))) {
    return unconfirmed('data.job_name', `is "${data.job_name}", which is no build of this parser`);
  }
  // A forced build has the name of the one before it. If the event of that one is delivered again, it must not end the
  // new build.
  if (job && build && terminalId(build.event_id) === event.id && !isOfEarlierJob(data, job)) {
    return await confirmByJob(job, build, deps);
  }
  return data.status === 'success' ? await confirmByRecord(event, deps) : await confirmByOutcome(event, deps);
}

/**
 * Two deliveries of a job.start can make a Job twice, where the first one is over before the second one is made. An end
 * that is told twice then meets a Job of the same name and request, which still runs.
 */
function isOfEarlierJob({ started_at }: BuildComplete, { metadata }: V1Job): boolean {
  return started_at !== undefined && Date.parse(started_at) < new Date(metadata?.creationTimestamp ?? 0).getTime();
}

/** For an end without a Job, or of one that is gone: whoever ends a request so has recorded it before. */
async function confirmByOutcome(
  { id, data }: ReceivedEvent<BuildComplete>,
  { store, temporaryBucket }: Pick<Confirming, 'store' | 'temporaryBucket'>,
): Promise<Confirmation> {
  const answered = await readOutcome(store, { bucket: temporaryBucket, identity: data, terminalId: id });
  const end = answered?.reply;
  if (answered?.end !== id || !end || (end.type === 'build.complete' && end.data.status === 'success')) {
    return unconfirmed(
      'data',
      `claims that a build has ended as ${data.status}, which neither a Job nor a recorded answer confirms: it is told when it has ended`,
    );
  }
  return end.type === 'build.complete' ? { kind: 'unsuccessful', outcome: end.data } : { kind: 'processed' };
}

async function confirmByJob(
  job: V1Job,
  build: Build,
  { cluster, imageRegistry }: Pick<Confirming, 'cluster' | 'imageRegistry'>,
): Promise<Confirmation> {
  const name = job.metadata?.name ?? '';
  const pods = await cluster.listPods(`batch.kubernetes.io/job-name=${name}`);
  const outcome = outcomeOf(job, pods);
  if (!outcome) {
    const again = await cluster.getJob(name);
    if (again?.metadata?.resourceVersion !== job.metadata?.resourceVersion) {
      // Whoever ended it meanwhile has taken its pods away, and with them what they had to say.
      throw new RetryableError('Conflict', `Job ${name} changed while its pods were listed`);
    }
    return unconfirmed('data.job_name', `is "${name}", which is still running: its end will be told`);
  }
  const phases = phasesOfJob(job, pods);
  if (outcome.status !== 'success') {
    return { kind: 'unsuccessful', outcome, job, phases };
  }
  const image = outcome.image_uri ?? '';
  return outsideRepository(image, outcome, imageRegistry) ?? { kind: 'success', outcome, job, phases, build, image };
}

/** For a source that was built before, or a Job that is gone. */
async function confirmByRecord(
  { id, traceparent, data }: ReceivedEvent<BuildComplete>,
  { store, temporaryBucket, imageRegistry, now }: Omit<Confirming, 'cluster'>,
): Promise<Confirmation> {
  const { fingerprint, image_uri, observed_at } = data;
  const record = fingerprint ? await readRecord(store, temporaryBucket, fingerprint, data) : undefined;
  // A forced build may have replaced the record that the request was answered from.
  const answered =
    record?.image_uri === image_uri
      ? undefined
      : await readOutcome(store, { bucket: temporaryBucket, identity: data, terminalId: id });
  if (answered?.end === id && answered.reply.type !== 'build.complete') {
    return { kind: 'processed' };
  }
  const end = answered?.reply.type === 'build.complete' ? answered.reply.data : undefined;
  const image = answered ? end?.image_uri : record?.image_uri;
  if (!record || !observed_at || !image || image !== image_uri) {
    return unconfirmed(
      'data',
      `claims a success that neither a Job nor a record of an earlier build confirms: send build.start instead`,
    );
  }
  const refusal = outsideRepository(image, data, imageRegistry);
  if (refusal) {
    return refusal;
  }
  if (isFromTheFuture(observed_at, now())) {
    return unconfirmed('data.observed_at', `is ${observed_at}, which is still to come`);
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
    image: `${imageRepository(imageRegistry, data)}:${imageTag(record.build_key)}`,
    language: record.language,
    priority: DEFAULT_PRIORITY,
    parameters: data.parameters,
  };
  return { kind: 'success', outcome, build, image };
}

const DEFAULT_PRIORITY = 5;

function outsideRepository(image: string, identity: BuildComplete, imageRegistry: string): Confirmation | undefined {
  const repository = imageRepository(imageRegistry, identity);
  return image.startsWith(`${repository}@sha256:`)
    ? undefined
    : unconfirmed('data.image_uri', `is "${image}", which is not in this parser's repository ${repository}`);
}

function unconfirmed(path: string, message: string): Confirmation {
  return { kind: 'unconfirmed', problems: [{ path, message }] };
}
