/** Functions that were deleted, but for their objects: service.delete left its tombstone and was lost half-way. */
import { removeFunction } from '#shared/requests/remove-function.ts';
import { isTombstoned, listTombstones, readTombstone } from '#shared/requests/tombstone.ts';
import { type Build, readBuild } from '#shared/specs/annotations.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { tombstoneKey } from '#shared/specs/s3-keys.ts';
import { forEachInBatch, takeBatch } from './batch.ts';
import type { Run } from './dependencies.ts';

const SECOND = 1000;
/** service-delete removes them itself within moments, and says in its reply what it found. */
const GRACE = 30 * SECOND;

/** Tombstones are kept for ever, so their dates are compared first: only what was written after a function's source was seen can bury it. */
export async function removeDeletedFunctions({ cluster, store, temporaryBucket, report, now }: Run): Promise<void> {
  const services = await cluster.listServices(FUNCTIONS);
  const builds = services.map((service) => readBuild(service)).filter((build) => build !== undefined);
  const byTombstone = new Map(builds.map((build) => [tombstoneKey(build), build]));
  const suspects: Build[] = [];
  for await (const { objects, date } of listTombstones(store, temporaryBucket)) {
    for (const { key, modified } of objects) {
      const build = byTombstone.get(key);
      const written = modified.getTime();
      // Whole seconds; the tombstone's own time is of the same second or before.
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
