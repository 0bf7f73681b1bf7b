/**
 * Bounds the history, where S3 itself honours no lifecycle rules: what is too old goes, and of calls and builds what
 * nobody would look through. Some pages a run, and on from there in the next: a pass over everything may take hours.
 */
import type { ObjectStore, StoredObject } from '#shared/clients/object-store.ts';
import { DAY } from '#shared/durations.ts';
import { readIndexName } from '#shared/history/build-index.ts';
import { keysOfCall } from '#shared/history/calls.ts';
import {
  BUILD_HISTORY,
  CALL_HISTORY,
  CRASHES,
  chainPrefix,
  FEED,
  HISTORY,
  INPUT_HISTORY,
  METRICS,
} from '#shared/specs/s3-keys.ts';
import type { Step } from './dependencies.ts';
import { beginning, type HistoryBounds, type HistoryPlace } from './history-place.ts';

/** Nothing reads what is older: streams begin with what passes, numbers are of the last hour. */
const FEED_AGE = DAY;
/** Listed in one run, a thousand keys each. */
const PAGES = 10;
/** Calls, and builds, of which more is removed than the one name: in one run. */
const LONGER_WORK = 200;

/** Every ten minutes: lists cost money. */
const isDue = (now: Date) => now.getUTCMinutes() % 10 === 3;

type Store = Pick<ObjectStore, 'list' | 'read' | 'remove'>;

export interface RemovingHistory extends Step {
  store: Store;
  temporaryBucket: string;
  history: { bounds: HistoryBounds; place: HistoryPlace };
}

export async function removeHistory(run: RemovingHistory): Promise<void> {
  const { place } = run.history;
  // The Broker may bring the minute twice.
  if (!isDue(run.now()) || place.isBusy) {
    return;
  }
  place.isBusy = true;
  try {
    for (const prefix of [FEED, METRICS]) {
      await removeOldest(prefix, run);
    }
    await passOn(run);
  } finally {
    place.isBusy = false;
  }
}

/** Their names begin with the minute, so the oldest come first, and a page without any is the end. */
async function removeOldest(prefix: string, { store, temporaryBucket, report }: RemovingHistory): Promise<void> {
  let pages = 0;
  for await (const { objects, date } of store.list(temporaryBucket, prefix)) {
    const old = objects.filter(({ modified }) => modified.getTime() <= date.getTime() - FEED_AGE);
    await remove(old, { store, temporaryBucket, report });
    pages += 1;
    if (old.length === 0 || pages >= PAGES) {
      return;
    }
  }
}

const WALKED = [CALL_HISTORY, BUILD_HISTORY, HISTORY, INPUT_HISTORY, CRASHES];

async function passOn(run: RemovingHistory): Promise<void> {
  const { store, temporaryBucket, history } = run;
  const { place } = history;
  let [pages, work] = [0, LONGER_WORK];
  while (pages < PAGES) {
    const prefix = WALKED[place.prefix] ?? '';
    for await (const page of store.list(temporaryBucket, prefix, { after: place.after })) {
      work -= await removeOfPage(page, prefix, { run, most: work });
      pages += 1;
      if (pages >= PAGES || work <= 0) {
        return;
      }
    }
    Object.assign(place, beginning(), { isBusy: true, prefix: (place.prefix + 1) % WALKED.length });
    if (place.prefix === 0) {
      return;
    }
  }
}

/** Moves on only when all of it is done: what is counted twice would look like too many. Gives the longer work. */
async function removeOfPage(
  { objects, date }: { objects: StoredObject[]; date: Date },
  prefix: string,
  { run, most }: { run: RemovingHistory; most: number },
): Promise<number> {
  const { bounds, place } = run.history;
  const bound = prefix === CALL_HISTORY ? bounds.calls : prefix === BUILD_HISTORY ? bounds.builds : undefined;
  const next = { ...place, after: objects.at(-1)?.key ?? place.after };
  // The names of calls and builds begin with the newest of their function, or tenant.
  const excess = objects.filter(({ key }) => {
    const group = groupOf(key);
    next.passed = group === next.group ? next.passed + 1 : 1;
    next.group = group;
    return bound !== undefined && next.passed > bound;
  });
  const now = excess.slice(0, most);
  const last = now.at(-1)?.key;
  if (bound !== undefined && last !== undefined && now.length < excess.length) {
    Object.assign(next, { after: last, group: groupOf(last), passed: bound });
  }
  const isOld = ({ modified }: StoredObject) => modified.getTime() <= date.getTime() - bounds.days * DAY;
  await remove(objects.filter(isOld), run);
  await removeWhole(
    now.filter((object) => !isOld(object)),
    prefix,
    run,
  );
  Object.assign(place, next);
  return now.length;
}

function groupOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

/** With its name what is kept of it elsewhere. The name goes last: what has failed is found again. */
async function removeWhole(objects: StoredObject[], prefix: string, run: RemovingHistory): Promise<void> {
  const { store, temporaryBucket } = run;
  for (const { key } of objects) {
    const others =
      prefix === CALL_HISTORY
        ? keysOfCall(key, (await store.read(temporaryBucket, key)).text)
        : await keysOfBuild(key, store, temporaryBucket);
    await store.remove(temporaryBucket, others);
  }
  await remove(objects, run);
}

async function keysOfBuild(key: string, store: Store, bucket: string): Promise<string[]> {
  const [, tenant = '', name = ''] = key.split('/');
  const build = readIndexName(tenant, name);
  const keys: string[] = [];
  if (build) {
    for await (const { objects } of store.list(bucket, chainPrefix(build, build.correlation_id))) {
      keys.push(...objects.map((object) => object.key));
      break;
    }
  }
  return keys;
}

async function remove(
  objects: StoredObject[],
  { store, temporaryBucket, report }: Pick<RemovingHistory, 'store' | 'temporaryBucket' | 'report'>,
): Promise<void> {
  const keys = objects.map(({ key }) => key);
  if (keys.length > 0) {
    await store.remove(temporaryBucket, keys);
  }
  for (const key of keys) {
    report.did('history_deleted', key);
  }
}
