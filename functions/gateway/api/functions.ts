/** Functions: which there are, one of them with everything, and its versions. */
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import {
  type FunctionDetail,
  type FunctionSummary,
  functionDetailSchema,
  functionSchema,
  functionStateSchema,
  versionSchema,
} from '#shared/api/schemas.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { isOf, readBuild } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import { lastBuilds } from './builds.ts';
import {
  conditionsOf,
  functionView,
  optional,
  podsByService,
  podsSelector,
  settingsOf,
  versionsOf,
} from './function-view.ts';
import { summaryNumbers } from './numbers.ts';
import { operation } from './operation.ts';
import { type Page, pageOf, pageQuery, placeOf } from './paging.ts';
import { noSuchResource } from './problems.ts';
import { HEADERS, maySee } from './serve.ts';
import { answerOf } from './snapshot-answers.ts';

const LAST_BUILDS = 10;

const functionsQuery = z.object({
  ...pageQuery,
  third_party_id: z.string().optional(),
  search: z.string().max(200).optional(),
  state: functionStateSchema.optional(),
});

export const listFunctions = operation({
  method: 'GET',
  path: '/functions',
  says: 'Functions, in the order of their ids: those that run, idle, fail, and those that are being built.',
  query: functionsQuery,
  answers: { page: functionSchema },
  handle: async ({ principal, query }, { snapshot }) => {
    const now = await snapshot();
    const { operator, third_party_ids } = principal;
    const key = JSON.stringify([operator || third_party_ids, query]);
    return answerOf(now, key, { headers: HEADERS, make: () => pageOfFunctions(now.functions, principal, query) });
  },
});

function pageOfFunctions(
  functions: readonly FunctionSummary[],
  principal: Principal,
  query: z.infer<typeof functionsQuery>,
): Page<FunctionSummary> {
  const { third_party_id, search = '', state, limit } = query;
  const place = placeOf(query) ?? '';
  const text = search.toLowerCase();
  const found: FunctionSummary[] = [];
  for (const one of functions) {
    const isWanted =
      maySee(principal, one.third_party_id) &&
      (third_party_id === undefined || one.third_party_id === third_party_id) &&
      (state === undefined || one.state === state) &&
      (text === '' || subjectOf(one).toLowerCase().includes(text)) &&
      subjectOf(one) > place;
    if (isWanted && found.push(one) > limit) {
      break;
    }
  }
  return pageOf(found, limit, subjectOf);
}

export const getFunction = operation({
  method: 'GET',
  path: '/functions/{third_party_id}/{parser_id}',
  says: 'One function: its settings, versions, last builds and conditions. Of secrets the names alone.',
  answers: { one: functionDetailSchema },
  handle: async ({ params }, deps): Promise<FunctionDetail> => {
    const identity = identityOf(params);
    const [service, builds] = await Promise.all([serviceOf(deps, identity), lastBuilds(deps, identity, LAST_BUILDS)]);
    const build = service && readBuild(service);
    const known = (await deps.snapshot()).functions.find((one) => subjectOf(one) === subjectOf(identity));
    const future = build ? undefined : known;
    if (!service || !build) {
      if (!future) {
        throw noSuchResource();
      }
      return {
        ...future,
        settings: { env: [], secrets: [], scaling: {}, resources: {} },
        conditions: [],
        versions: [],
        builds,
      };
    }
    const { name } = service.metadata;
    const [pods, revisions] = await Promise.all([
      deps.cluster.listFunctionPods(podsSelector(name)),
      deps.cluster.listRevisions(podsSelector(name)),
    ]);
    const view = functionView(service, podsByService(pods).get(name) ?? 0);
    if (!view) {
      throw noSuchResource();
    }
    const [last] = builds;
    return {
      ...view,
      ...optional('crashed_at', known?.crashed_at),
      ...(last ? { last_build: last } : {}),
      ...summaryNumbers(await deps.hour(), identity),
      settings: settingsOf(build),
      conditions: conditionsOf(service),
      versions: versionsOf(service, revisions),
      builds,
    };
  },
});

export const listVersions = operation({
  method: 'GET',
  path: '/functions/{third_party_id}/{parser_id}/versions',
  says: 'The versions of a function, newest first: the revisions that Knative keeps, each with its share of the calls.',
  answers: { page: versionSchema },
  handle: async ({ params }, deps) => {
    const service = await serviceOf(deps, identityOf(params));
    if (!service) {
      throw noSuchResource();
    }
    return { items: versionsOf(service, await deps.cluster.listRevisions(podsSelector(service.metadata.name))) };
  },
});

export function identityOf({ third_party_id = '', parser_id = '' }: Record<string, string>): Identity {
  return { third_party_id, parser_id };
}

export async function serviceOf(
  { cluster }: Pick<ApiDependencies, 'cluster'>,
  identity: Identity,
): Promise<KnativeObject | undefined> {
  const service = await cluster.getService(functionName(identity));
  return service && isOf(identity, service) ? service : undefined;
}
