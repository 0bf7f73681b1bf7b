/**
 * Removes functions that have a tombstone and still exist: their service.delete was lost after it had written the
 * tombstone.
 */
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { SECOND } from '#shared/durations.ts';
import { removeFunction } from '#shared/requests/remove-function.ts';
import { isTombstoned, listTombstones, readTombstone } from '#shared/requests/tombstone.ts';
import { type Build, readBuild } from '#shared/specs/annotations.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { tombstoneKey } from '#shared/specs/s3-keys.ts';
import { forEachInBatch, takeBatch } from './batch.ts';
import type { Step } from './dependencies.ts';

/** service-delete removes them itself within seconds, and its reply names what it has found. */
const GRACE = 30 * SECOND;

/**
 * Tombstones are kept for ever, so their dates are compared before any is read: a function can only be deleted by a
 * tombstone that was written after its source was seen.
 */
export async function removeDeletedFunctions({
  cluster,
  store,
  temporaryBucket,
  report,
  now,
}: Step & {
  cluster: Pick<Cluster, 'getService' | 'listServices' | 'deleteService'>;
  store: Pick<ObjectStore, 'list' | 'read'>;
  temporaryBucket: string;
}): Promise<void> {
  const services = await cluster.listServices(FUNCTIONS);
  const builds = services.map((service) => readBuild(service)).filter((build) => build !== undefined);
  const byTombstone = new Map(builds.map((build) => [tombstoneKey(build), build]));
  const suspects: Build[] = [];
  for await (const { objects, date } of listTombstones(store, temporaryBucket)) {
    for (const { key, modified } of objects) {
      const build = byTombstone.get(key);
      const written = modified.getTime();
      // S3's dates are whole seconds. The tombstone's own time is within that second, or earlier.
      if (build && written + SECOND > Date.parse(build.observed_at) && written <= date.getTime() - GRACE) {
        suspects.push(build);
      }
    }
  }
  await forEachInBatch(takeBatch(suspects, now()), { report, nameOf: tombstoneKey }, async (build) => {
    const { tombstone } = await readTombstone(store, temporaryBucket, build);
    if (tombstone && isTombstoned(tombstone, Date.parse(build.observed_at))) {
      await removeFunction(cluster, build, Date.parse(tombstone.time));
      report.did('functions_removed', `${build.third_party_id}/${build.parser_id}`);
    }
  });
}
