/** Removes context archives that are a day old and that no build needs, and uploads that were not finished. */
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { DAY } from '#shared/durations.ts';
import { listRequests } from '#shared/requests/request.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { BUILDS } from '#shared/specs/labels.ts';
import { CONTEXTS, contextKey, formerContextKey } from '#shared/specs/s3-keys.ts';
import { LIMIT, takeBatch } from './batch.ts';
import type { Step } from './dependencies.ts';
import { olderThan } from './older-than.ts';

/**
 * build-start writes the archive again for every build, so an old archive belongs to an old build. But it may be
 * written again just now:
 *
 *      build-start:  ─┼ write request ─┼ write archive ─▶ job-start: ─┼ create Job ─┼ delete request ─▶
 *      sweep:        ──┼ list archives ──┼ list requests ──┼ list Jobs ─┼ remove ──▶
 *
 * The lists are read in this order, so that a build whose archive was written after the first list is in one of the two
 * others.
 */
export async function removeContexts({
  store,
  cluster,
  temporaryBucket,
  report,
  now,
}: Step & {
  store: Pick<ObjectStore, 'list' | 'remove'>;
  cluster: Pick<Cluster, 'listJobMetadata'>;
  temporaryBucket: string;
}): Promise<void> {
  const old: string[] = [];
  for await (const keys of olderThan(DAY, store.list(temporaryBucket, CONTEXTS))) {
    old.push(...keys);
  }
  if (old.length === 0) {
    return;
  }
  const waiting = await parsersWithRequests(store, temporaryBucket);
  const builds = (await cluster.listJobMetadata(BUILDS))
    .map((job) => readBuild(job))
    .filter((build) => build !== undefined);
  const needed = new Set(
    builds.flatMap((build) => [contextKey, formerContextKey].map((keyOf) => keyOf(build, build.build_key))),
  );
  const unneeded = old.filter((key) => !needed.has(key) && !waiting.has(parserOf(key)));
  const batch = takeBatch(unneeded, now(), LIMIT);
  await store.remove(temporaryBucket, batch);
  for (const key of batch) {
    report.did('contexts_deleted', key);
  }
}

async function parsersWithRequests(store: Pick<ObjectStore, 'list'>, bucket: string): Promise<Set<string>> {
  const parsers = new Set<string>();
  for await (const { objects } of listRequests(store, bucket)) {
    for (const { key } of objects) {
      parsers.add(parserOf(key));
    }
  }
  return parsers;
}

/** `{third_party_id}/{parser_id}` of contexts/… and requests/… alike. */
function parserOf(key: string): string {
  return key.split('/').slice(1, 3).join('/');
}
