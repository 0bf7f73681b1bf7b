/** Context archives of a day ago that no build needs any more, and what was left half packed. */

import { listRequests } from '#shared/requests/request.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { BUILDS } from '#shared/specs/labels.ts';
import { CONTEXTS, contextKey } from '#shared/specs/s3-keys.ts';
import { LIMIT, takeBatch } from './batch.ts';
import type { Run } from './dependencies.ts';
import { olderThanADay } from './older-than-a-day.ts';

/**
 * build-start writes the archive anew for every build, so an old one is of an old build; but it may be written at this very moment:
 *
 *      build-start:  ─┼ keep request ─┼ archive ─▶ job-start: ─┼ Job ─┼ forget request ─▶
 *      sweep:        ──┼ list archives ──┼ list requests ──┼ list Jobs ─┼ remove ──▶
 *
 * In this order whoever wrote one after it was listed shows in one of the two other lists.
 */
export async function removeContexts({ store, cluster, temporaryBucket, report, now }: Run): Promise<void> {
  const old: string[] = [];
  for await (const keys of olderThanADay(store.list(temporaryBucket, CONTEXTS))) {
    old.push(...keys);
  }
  if (old.length === 0) {
    return;
  }
  const asking = await parsersAsking({ store, temporaryBucket });
  const builds = (await cluster.listJobMetadata(BUILDS))
    .map((job) => readBuild(job))
    .filter((build) => build !== undefined);
  const needed = new Set(builds.map((build) => contextKey(build, build.build_key)));
  const free = old.filter((key) => !needed.has(key) && !asking.has(parserOf(key)));
  const going = takeBatch(free, now(), LIMIT);
  await store.remove(temporaryBucket, going);
  for (const key of going) {
    report.did('contexts_deleted', key);
  }
}

async function parsersAsking({ store, temporaryBucket }: Pick<Run, 'store' | 'temporaryBucket'>): Promise<Set<string>> {
  const parsers = new Set<string>();
  for await (const { objects } of listRequests(store, temporaryBucket)) {
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
