/** What was recorded under one correlation id, and the calls that were kept. */
import pLimit from 'p-limit';
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { type Call, callSchema, timelineEntrySchema } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { type KeptCall, listCalls as listKept } from '#shared/history/calls.ts';
import { readChain } from '#shared/history/chain.ts';
import { readInput } from '#shared/history/inputs.ts';
import type { RecordedEvent } from '#shared/history/recorded-event.ts';
import { buildOfChain, dataOf, timelineOf } from '#shared/history/timeline.ts';
import { logKey, logPrefix } from '#shared/specs/s3-keys.ts';
import { identityOf } from './functions.ts';
import { operation } from './operation.ts';
import { pageOf, pageQuery, placeOf } from './paging.ts';
import { noSuchResource } from './problems.ts';

const READ_AT_ONCE = 16;

export const getTimeline = operation({
  method: 'GET',
  path: '/timeline/{third_party_id}/{parser_id}/{correlation_id}',
  says: 'What happened under one correlation id, in order, each event after its cause.',
  answers: { page: timelineEntrySchema },
  handle: async ({ params }, deps) => {
    const chain = await chainOf(deps, identityOf(params), params['correlation_id'] ?? '');
    if (chain.length === 0) {
      throw noSuchResource();
    }
    return { items: timelineOf(chain) };
  },
});

export const listCalls = operation({
  method: 'GET',
  path: '/functions/{third_party_id}/{parser_id}/calls',
  says: 'Calls that were recorded, newest first: all that failed, and of the others a sample (CALL_SAMPLE).',
  query: z.object({ ...pageQuery, failed: z.enum(['0', '1', 'true', 'false']).optional() }),
  answers: { page: callSchema },
  handle: async ({ params, query }, deps) => {
    const { store, temporaryBucket } = deps;
    const { limit, failed } = query;
    const found = [];
    const from = { after: placeOf(query), limit: limit + 1 };
    for await (const one of listKept(store, temporaryBucket, identityOf(params), from)) {
      if (!one.call.succeeded || !(failed === '1' || failed === 'true')) {
        found.push(one);
      }
      if (found.length > limit) {
        break;
      }
    }
    const page = pageOf(found, limit, ({ name }) => name);
    const reading = pLimit(READ_AT_ONCE);
    const items = await Promise.all(page.items.map((one) => reading(() => withInput(one, deps))));
    return { ...page, items };
  },
});

async function withInput(
  { call, input }: KeptCall,
  { store, temporaryBucket }: Pick<ApiDependencies, 'store' | 'temporaryBucket'>,
): Promise<Call> {
  const kept = input === undefined ? undefined : await readInput(store, temporaryBucket, call, input);
  return kept === undefined ? call : { ...call, input: kept.data };
}

/** What is known of a build: recorded, or running now. The log only of one that failed. */
export async function findBuild(deps: ApiDependencies, identity: Identity, correlationId: string) {
  const [chain, { running }] = await Promise.all([chainOf(deps, identity, correlationId), deps.snapshot()]);
  const live = running.find((one) => subjectOf(one) === subjectOf(identity) && one.correlation_id === correlationId);
  const recorded = buildOfChain(identity, correlationId, chain);
  const isOver = recorded?.completed_at !== undefined;
  const build = recorded && (isOver || !live) ? recorded : live && { ...recorded, ...live };
  if (!build) {
    return undefined;
  }
  const logOf = () => keptLog(deps, identity, chain);
  const failed = isOver && build.status !== 'success';
  return { chain, build, log: failed ? await logOf() : undefined, logOf };
}

/** The whole log, as it was kept; undefined where there is none. */
async function keptLog(
  { store, temporaryBucket }: Pick<ApiDependencies, 'store' | 'temporaryBucket'>,
  identity: Identity,
  chain: RecordedEvent[],
): Promise<string | undefined> {
  const stated = chain.map((event) => dataOf(event).log?.key).findLast((key) => key !== undefined);
  const job = jobNameOf(chain);
  // A name in an event is a claim: only what lies among this function's own logs is read.
  const own = stated?.startsWith(logPrefix(identity)) ? stated : undefined;
  const key = own ?? (job === undefined ? undefined : logKey(identity, job));
  return key === undefined ? undefined : (await store.read(temporaryBucket, key)).text;
}

export function jobNameOf(chain: RecordedEvent[]): string | undefined {
  return chain.map((event) => dataOf(event).job_name).findLast((name) => name !== undefined);
}

async function chainOf(
  { store, temporaryBucket }: Pick<ApiDependencies, 'store' | 'temporaryBucket'>,
  identity: Identity,
  correlationId: string,
): Promise<RecordedEvent[]> {
  return await readChain(store, temporaryBucket, identity, correlationId);
}
