/** Functions without a Service, for every build of theirs has failed: else a first try would be in no list. */
import type { Build, FunctionSummary } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { readChain } from '#shared/history/chain.ts';
import { buildOfChain } from '#shared/history/timeline.ts';
import { readTombstone } from '#shared/requests/tombstone.ts';
import { BUILD_HISTORY, buildHistoryPrefix } from '#shared/specs/s3-keys.ts';
import { within } from '#shared/within.ts';
import { neverDeployedView } from './function-view.ts';
import { readAnew } from './read-anew.ts';

/** Tenants that have built something, whether or not one of their functions is there. */
export type BuildingTenants = () => Promise<readonly string[]>;

/** `builds`: the last one of each function. `isThere`: deployed, or being built. */
export type NeverDeployed = (builds: Iterable<Build>, isThere: (id: string) => boolean) => Promise<FunctionSummary[]>;

const MOST_TENANTS = 500;
/** Listings cost money: no more than five a second, as of the last builds. */
const LISTINGS_PER_SECOND = 5;
const PATIENCE = 600;
const MOST_SHOWN = 200;
/** A build says the same for ever; whether it was deleted since may change. */
const FRESH = 5 * SECOND;
const FORGOTTEN = 10 * MINUTE;

/** One key of each tenant is listed: that of the next begins behind all of this one's. */
export function createBuildingTenants(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  now: () => number = () => performance.now(),
): BuildingTenants {
  async function next(after: string | undefined): Promise<string | undefined> {
    for await (const { objects } of store.list(bucket, BUILD_HISTORY, { after, limit: 1 })) {
      return objects[0]?.key.split('/')[1];
    }
    return undefined;
  }

  async function read(): Promise<readonly string[]> {
    const found: string[] = [];
    let tenant = await next(undefined);
    while (tenant !== undefined && found.length < MOST_TENANTS) {
      found.push(tenant);
      // "0" comes after "/".
      tenant = await next(`${buildHistoryPrefix({ third_party_id: tenant }).slice(0, -1)}0`);
    }
    return found;
  }

  const freshFor = (tenants: readonly string[]) => Math.max(2, tenants.length / LISTINGS_PER_SECOND) * SECOND;
  return readAnew(read, { nothing: [], freshFor, now });
}

export function createNeverDeployed(
  store: Pick<ObjectStore, 'list' | 'read'>,
  bucket: string,
  now: () => number = () => performance.now(),
): NeverDeployed {
  const known = new Map<string, { at: number; view: FunctionSummary | undefined }>();

  async function look(build: Build): Promise<FunctionSummary | undefined> {
    const key = `${subjectOf(build)} ${build.correlation_id}`;
    const before = known.get(key);
    if (before && now() - before.at < FRESH) {
      return before.view;
    }
    const [{ tombstone }, told] = await Promise.all([
      readTombstone(store, bucket, build),
      before?.view?.last_build ?? withMessage(build),
    ]);
    const isDeleted = Date.parse(tombstone?.time ?? '') >= Date.parse(build.completed_at ?? '');
    const view = isDeleted ? undefined : neverDeployedView(told);
    known.set(key, { at: now(), view });
    return view;
  }

  /** The names of the index have the reason alone. */
  async function withMessage(build: Build): Promise<Build> {
    const chain = await readChain(store, bucket, build, build.correlation_id);
    return buildOfChain(build, build.correlation_id, chain) ?? build;
  }

  return async (builds, isThere) => {
    for (const [key, { at }] of known) {
      if (now() - at > FORGOTTEN) {
        known.delete(key);
      }
    }
    const failed = [...builds]
      .filter((one) => (one.status === 'failed' || one.status === 'timeout') && !isThere(subjectOf(one)))
      .sort((a, b) => Date.parse(b.completed_at ?? '') - Date.parse(a.completed_at ?? ''))
      .slice(0, MOST_SHOWN);
    const views = Promise.all(failed.map((one) => look(one).catch(() => undefined)));
    return (await within(PATIENCE, views, [])).flatMap((view) => view ?? []);
  };
}
