/** `service.delete`: a function and every build of it go, and nothing that was asked for before brings them back. */
import type { V1Job } from '@kubernetes/client-node';
import { cancelled, endJob } from '#shared/builds/end-job.ts';
import { deriveId, type NewEvent, type ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { FunctionDeleted } from '#shared/events/lifecycle.ts';
import type { ServiceDelete } from '#shared/events/service-delete.ts';
import { findFunction, removeFunction } from '#shared/requests/remove-function.ts';
import { type Deleted, type Deletion, deletionOf, readTombstone, writeDeletion } from '#shared/requests/tombstone.ts';
import { isOf, observedAt, readBuild } from '#shared/specs/annotations.ts';
import { buildsOf } from '#shared/specs/labels.ts';
import { contextPrefix } from '#shared/specs/s3-keys.ts';
import type { ServiceDeleteDependencies } from './dependencies.ts';

/**
 * Replies lifecycle.function.deleted, with what was there; the same event delivered again gives the same answer.
 *
 * The tombstone comes first. From then on job-start makes no Job and build-complete deploys nothing of what was seen before; what either of
 * them did a moment earlier is in the lists that are read afterwards:
 *
 *      service-delete:  ──┼ tombstone ──┼ list ──┼ delete ─▶
 *      job-start:       ─────────┼ create ──┼ tombstone? ends its own Job ─▶
 */
export async function serviceDelete(
  event: ReceivedEvent<ServiceDelete>,
  deps: ServiceDeleteDependencies,
): Promise<NewEvent<'lifecycle.function.deleted'>> {
  const { store, cluster, temporaryBucket } = deps;
  const { data } = event;
  const deletion = await bury(event, deps);
  const until = Date.parse(deletion.time);

  const jobs = (await cluster.listJobs(buildsOf(data))).filter((job) => isOf(data, job));
  const going = jobs.filter((job) => observedAt(job) <= until);
  const staying = jobs.filter((job) => observedAt(job) > until);
  // First of all, since a build.start sent right after the service.delete takes an archive that is still there for its own.
  await store.remove(temporaryBucket, withoutThoseOf(staying, deletion.contexts));

  const found = [...(await findFunction(cluster, data, until)), ...going.filter(isUntouched).map(named)];
  const deleted = union(deletion.deleted, found);
  if (deleted.length > deletion.deleted.length) {
    const before = (await readTombstone(store, temporaryBucket, data)).tombstone;
    await writeDeletion(store, temporaryBucket, data, { before, deletion: { ...deletion, deleted } });
  }
  await removeFunction(cluster, data, until);
  for (const { metadata } of going) {
    await endJob(cluster, metadata?.name ?? '', metadata?.uid, cancelled(data.reason));
  }

  const reply: FunctionDeleted = {
    third_party_id: data.third_party_id,
    parser_id: data.parser_id,
    correlation_id: event.correlationId,
    deleted,
  };
  return { type: 'lifecycle.function.deleted', subject: subjectOf(data), data: reply };
}

/** The deletion that this event stands for: a new one now, or the one it was when it first came. */
async function bury(event: ReceivedEvent<ServiceDelete>, deps: ServiceDeleteDependencies): Promise<Deletion> {
  const { store, temporaryBucket } = deps;
  const eventId = deriveId(event.source, event.id);
  const contexts = await contextsOf(event.data, deps);
  const { tombstone: before, now } = await readTombstone(store, temporaryBucket, event.data);
  const known = deletionOf(before, eventId);
  if (known) {
    return known;
  }
  const deletion: Deletion = { event_id: eventId, time: now, deleted: [], contexts };
  await writeDeletion(store, temporaryBucket, event.data, { before, deletion });
  return deletion;
}

/** Those that are being packed are left to whoever packs them. */
async function contextsOf(
  identity: Identity,
  { store, temporaryBucket }: ServiceDeleteDependencies,
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { objects } of store.list(temporaryBucket, contextPrefix(identity))) {
    keys.push(...objects.map(({ key }) => key).filter((key) => key.endsWith('.tar.gz')));
  }
  return keys;
}

/** The same content may be wanted again by a newer build. */
function withoutThoseOf(jobs: V1Job[], contexts: string[]): string[] {
  const wanted = jobs.map((job) => `/${readBuild(job)?.build_key}.tar.gz`);
  return contexts.filter((key) => !wanted.some((name) => key.endsWith(name)));
}

/** One that is going already is somebody else's deletion. */
function isUntouched({ metadata }: V1Job): boolean {
  return metadata?.deletionTimestamp === undefined;
}

function named(job: V1Job): Deleted[number] {
  return { kind: 'Job', name: job.metadata?.name ?? '' };
}

function union(a: Deleted, b: Deleted): Deleted {
  const known = new Set(a.map(({ kind, name }) => `${kind} ${name}`));
  return [...a, ...b.filter(({ kind, name }) => !known.has(`${kind} ${name}`))];
}
