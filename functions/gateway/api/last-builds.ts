/** The last build of each function: of a tenant's newest ones, read anew from time to time. */

import type { Build } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { listBuilds } from '#shared/history/build-index.ts';
import { within } from '#shared/within.ts';

/** By id of the function. */
export type LastBuilds = (
  tenants: readonly string[],
  ended: ReadonlySet<string>,
) => Promise<ReadonlyMap<string, Build>>;

/** Names of one tenant that are read: its functions that were built before all of those tell their version alone. */
const MOST_READ = 3000;
const FRESH = 2 * SECOND;
/** Listings cost money: no more than five a second, as an open stream. */
const LISTINGS_PER_SECOND = 5;
/** So much later than others a build may be recorded. */
const OVERLAP = 10 * MINUTE;
const PATIENCE = 300;

interface OfTenant {
  at: number;
  /** When the newest one ended, in milliseconds since the epoch. */
  newest: number;
  builds: Map<string, Build>;
  reading: Promise<void> | undefined;
}

/**
 * `ended`: tenants of which a build has just ended, which are read at once. `now`: a clock in milliseconds that
 * only goes forward.
 */
export function createLastBuilds(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  now: () => number = () => performance.now(),
): LastBuilds {
  const known = new Map<string, OfTenant>();

  async function read(tenant: string, state: OfTenant): Promise<void> {
    const until = state.newest - OVERLAP;
    let count = 0;
    for await (const { build } of listBuilds(store, bucket, tenant)) {
      const ended = Date.parse(build.completed_at ?? '');
      count += 1;
      if (ended < until || count > MOST_READ) {
        break;
      }
      state.newest = Math.max(state.newest, ended);
      const before = state.builds.get(subjectOf(build));
      if (!before || Date.parse(before.completed_at ?? '') < ended) {
        state.builds.set(subjectOf(build), build);
      }
    }
  }

  async function refresh(tenant: string): Promise<void> {
    const state = known.get(tenant) ?? { at: 0, newest: 0, builds: new Map(), reading: undefined };
    known.set(tenant, state);
    state.reading ??= read(tenant, state)
      // Where S3 does not answer, the functions are listed all the same.
      .catch(() => undefined)
      .finally(() => {
        state.at = now();
        state.reading = undefined;
      });
    await state.reading;
  }

  return async (tenants, ended) => {
    const fresh = Math.max(FRESH, (tenants.length / LISTINGS_PER_SECOND) * SECOND);
    const due = tenants.filter((tenant) => {
      const state = known.get(tenant);
      return !state || ended.has(tenant) || now() - state.at > fresh;
    });
    await within(PATIENCE, Promise.all(due.map(refresh)), undefined);
    return new Map(tenants.flatMap((tenant) => [...(known.get(tenant)?.builds ?? [])]));
  };
}
