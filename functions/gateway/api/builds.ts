/** Builds: those that run, and those that have ended, newest first. */
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { type Build, buildSchema, buildStatusSchema } from '#shared/api/schemas.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { type IndexedBuild, listBuilds as listIndex } from '#shared/history/build-index.ts';
import { operation } from './operation.ts';
import { type Page, pageOf, pageQuery, placeOf } from './paging.ts';
import { maySee } from './serve.ts';

/** Names that are read for one page. What a filter leaves out counts as well. */
const MOST_READ = 5000;

interface Wanted {
  parser_id?: string | undefined;
  status?: Build['status'] | undefined;
}

export const listBuilds = operation({
  method: 'GET',
  path: '/builds',
  says: 'Builds, newest first: on the first page those that wait and run, then those that have ended.',
  query: z.object({
    ...pageQuery,
    third_party_id: z.string().optional(),
    parser_id: z.string().optional(),
    status: buildStatusSchema.optional(),
  }),
  answers: { page: buildSchema },
  handle: async ({ principal, query }, deps): Promise<Page<Build>> => {
    const { limit, third_party_id } = query;
    const after = placeOf(query);
    const isWanted = wanted(query);
    const { running } = await deps.snapshot();
    const live = after === undefined ? running.filter((one) => maySee(principal, one.third_party_id)) : [];
    const first = live
      .filter((one) => isWanted(one) && (third_party_id === undefined || one.third_party_id === third_party_id))
      .sort((a, b) => ((a.started_at ?? '') < (b.started_at ?? '') ? 1 : -1));
    const tenants = await tenantsOf(principal, third_party_id, deps);
    const ended = await newest(deps, tenants, { after, limit, isWanted });
    const page = pageOf(ended, limit, ({ name }) => name);
    const answered = new Set(page.items.map(({ build }) => chainOf(build)));
    const items = [...first.filter((one) => !answered.has(chainOf(one))), ...page.items.map(({ build }) => build)];
    return { ...page, items };
  },
});

/** Of one function, newest first, those that run too. */
export async function lastBuilds(deps: ApiDependencies, identity: Identity, limit: number): Promise<Build[]> {
  const isWanted = wanted(identity);
  const ended = await newest(deps, [identity.third_party_id], { after: undefined, limit, isWanted });
  const { running } = await deps.snapshot();
  const known = new Set(ended.map(({ build }) => chainOf(build)));
  const live = running.filter((one) => subjectOf(one) === subjectOf(identity) && !known.has(chainOf(one)));
  return [...live, ...ended.slice(0, limit).map(({ build }) => build)];
}

/** One more than `limit`, where there are more. The names of all tenants are in one order. */
async function newest(
  { store, temporaryBucket }: ApiDependencies,
  tenants: string[],
  { after, limit, isWanted }: { after: string | undefined; limit: number; isWanted: (build: Build) => boolean },
): Promise<IndexedBuild[]> {
  const lists = await Promise.all(
    tenants.map(async (tenant) => {
      const found: IndexedBuild[] = [];
      let read = 0;
      for await (const one of listIndex(store, temporaryBucket, tenant, { after })) {
        read += 1;
        if (isWanted(one.build)) {
          found.push(one);
        }
        if (found.length > limit || read >= MOST_READ) {
          break;
        }
      }
      return found;
    }),
  );
  return lists
    .flat()
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, limit + 1);
}

/** Whose builds are listed. An operator sees those of tenants that have a function or a running build. */
async function tenantsOf(
  principal: Principal,
  third_party_id: string | undefined,
  { snapshot }: ApiDependencies,
): Promise<string[]> {
  if (third_party_id !== undefined) {
    return maySee(principal, third_party_id) ? [third_party_id] : [];
  }
  if (!principal.operator) {
    return principal.third_party_ids;
  }
  const { functions } = await snapshot();
  return [...new Set(functions.map((one) => one.third_party_id))];
}

function wanted({ parser_id, status }: Wanted): (build: Build) => boolean {
  return (build) =>
    (parser_id === undefined || build.parser_id === parser_id) && (status === undefined || build.status === status);
}

function chainOf(build: Build): string {
  return `${subjectOf(build)}/${build.correlation_id}`;
}
