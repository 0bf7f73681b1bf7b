/** `service.delete`: deletes a function and all its builds. No request that was made before brings them back. */
import type { V1Job } from '@kubernetes/client-node';
import { cancelled, endJob } from '#shared/builds/end-job.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { deriveId, type NewEvent, type ReceivedEvent } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { FunctionDeleted } from '#shared/events/lifecycle.ts';
import type { ServiceDelete } from '#shared/events/service-delete.ts';
import { findFunction, removeFunction } from '#shared/requests/remove-function.ts';
import { type Deleted, type Deletion, deletionOf, readTombstone, writeDeletion } from '#shared/requests/tombstone.ts';
import { isOf, observedAt, readBuild } from '#shared/specs/annotations.ts';
import { buildsOf } from '#shared/specs/labels.ts';
import { contextPrefix, isContext } from '#shared/specs/s3-keys.ts';
import type { ServiceDeleteDependencies } from './dependencies.ts';

/**
 * Replies lifecycle.function.deleted with what it has found. The same event, delivered again, gets the same reply.
 *
 * Writes the tombstone first. From then on job-start creates no Job, and build-complete deploys nothing, whose source
 * was seen before. What either of them did shortly before is in the lists that are read afterwards:
 *
 *      service-delete:  ──┼ tombstone ──┼ list ──┼ delete ─▶
 *      job-start:       ─────────┼ create ──┼ sees the tombstone, ends its own Job ─▶
 */
export async function serviceDelete(
  event: ReceivedEvent<ServiceDelete>,
  deps: ServiceDeleteDependencies,
): Promise<NewEvent<'lifecycle.function.deleted'>> {
  const { store, cluster, temporaryBucket } = deps;
  const { data } = event;
  const deletion = await writeTombstone(event, deps);
  const until = Date.parse(deletion.time);

  const jobs = (await cluster.listJobs(buildsOf(data))).filter((job) => isOf(data, job));
  const deletable = jobs.filter((job) => observedAt(job) <= until);
  const newer = jobs.filter((job) => observedAt(job) > until);
  // The archives go first: a build.start that is sent right after the service.delete may find an old archive, and use
  // it.
  await store.remove(temporaryBucket, withoutThoseOf(newer, deletion.contexts));

  const found = [...(await findFunction(cluster, data, until)), ...deletable.filter(isPresent).map(nameOf)];
  const deleted = union(deletion.deleted, found);
  if (deleted.length > deletion.deleted.length) {
    const before = (await readTombstone(store, temporaryBucket, data)).tombstone;
    await writeDeletion(store, temporaryBucket, data, { before, deletion: { ...deletion, deleted } });
  }
  await removeFunction(cluster, data, until);
  for (const { metadata } of deletable) {
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

/** Returns the deletion of this event: a new one, or the one that an earlier delivery has written. */
async function writeTombstone(
  event: ReceivedEvent<ServiceDelete>,
  deps: Omit<ServiceDeleteDependencies, 'cluster'>,
): Promise<Deletion> {
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

/** Keys of the finished context archives. An archive that is being uploaded is left to build-start. */
async function contextsOf(
  identity: Identity,
  { store, temporaryBucket }: { store: Pick<ObjectStore, 'list'>; temporaryBucket: string },
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { objects } of store.list(temporaryBucket, contextPrefix(identity))) {
    keys.push(...objects.map(({ key }) => key).filter((key) => isContext(key)));
  }
  return keys;
}

/** A newer build may need the archive of the same content. */
function withoutThoseOf(jobs: V1Job[], contexts: string[]): string[] {
  const needed = jobs.map((job) => `/${readBuild(job)?.build_key}.`);
  return contexts.filter((key) => !needed.some((name) => key.includes(name)));
}

/** A Job that is being deleted already belongs to another deletion. */
function isPresent({ metadata }: V1Job): boolean {
  return metadata?.deletionTimestamp === undefined;
}

function nameOf(job: V1Job): Deleted[number] {
  return { kind: 'Job', name: job.metadata?.name ?? '' };
}

function union(a: Deleted, b: Deleted): Deleted {
  const known = new Set(a.map(({ kind, name }) => `${kind} ${name}`));
  return [...a, ...b.filter(({ kind, name }) => !known.has(`${kind} ${name}`))];
}
