/** Why is it so? One sentence of cause, its evidence, and what mends it. */
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { type Explanation, explanationSchema } from '#shared/api/schemas.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { identitySchema } from '#shared/events/identity.ts';
import { explain } from '#shared/explain/explain.ts';
import type { Facts } from '#shared/explain/facts.ts';
import { type Place, placed } from '#shared/explain/place.ts';
import { gatherBuild, gatherCall, gatherFunction, gatherLetter, gatherNow } from './gather.ts';
import { operation } from './operation.ts';
import { invalidRequest, noSuchResource } from './problems.ts';
import { maySee } from './serve.ts';

const querySchema = z.object({
  about: z.enum(['build', 'call', 'function', 'letter', 'now']).default('now'),
  third_party_id: z.string().optional(),
  parser_id: z.string().optional(),
  /** Of the build (its correlation id), the call or the letter; by default the last one. */
  id: z.string().max(300).optional(),
});

export const explainIt = operation({
  method: 'GET',
  path: '/explain',
  says: 'Why a build, a call, a function or a letter is as it is, or what is wrong now: cause, evidence, next step.',
  query: querySchema,
  answers: { one: explanationSchema },
  handle: async ({ principal, query }, deps) => explainHere(await gather(query, principal, deps), deps),
});

/** With commands that can be pasted where this platform is. */
export function explainHere(facts: Facts, place: Place): Explanation {
  const found = explain(facts);
  return found.next ? { ...found, next: placed(found.next, place) } : found;
}

async function gather(
  { about, id, ...given }: z.infer<typeof querySchema>,
  principal: Principal,
  deps: ApiDependencies,
): Promise<Facts> {
  const tenant = given.third_party_id;
  if (tenant !== undefined && !maySee(principal, tenant)) {
    throw noSuchResource();
  }
  if (about === 'now') {
    return await gatherNow(deps, principal, tenant);
  }
  if (about === 'letter') {
    return await gatherLetter(deps, principal, id);
  }
  const identity = identitySchema.safeParse(given);
  if (!identity.success) {
    throw invalidRequest([{ path: 'query', message: `needs third_party_id and parser_id to explain a ${about}` }]);
  }
  const gatherers = { build: gatherBuild, call: gatherCall, function: gatherFunction };
  return await gatherers[about](deps, identity.data, id);
}
