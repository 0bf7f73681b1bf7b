/** One build with everything. */
import { type BuildDetail, buildDetailSchema } from '#shared/api/schemas.ts';
import { phasesOf, timelineOf } from '#shared/history/timeline.ts';
import { explainHere } from './explain.ts';
import { identityOf } from './functions.ts';
import { gatherBuild } from './gather.ts';
import { operation } from './operation.ts';
import { noSuchResource } from './problems.ts';

const TAIL_LINES = 100;

export const getBuild = operation({
  method: 'GET',
  path: '/builds/{third_party_id}/{parser_id}/{correlation_id}',
  says: 'One build: its phases, what happened, why it failed, and the end of its log.',
  answers: { one: buildDetailSchema },
  handle: async ({ params }, deps): Promise<BuildDetail> => {
    const facts = await gatherBuild(deps, identityOf(params), params['correlation_id'] ?? '');
    const { build, chain, log } = facts;
    if (!build) {
      throw noSuchResource();
    }
    return {
      ...build,
      phases: phasesOf(chain),
      timeline: timelineOf(chain),
      explanation: explainHere(facts, deps),
      ...(log === undefined ? {} : { log_tail: log.trimEnd().split('\n').slice(-TAIL_LINES) }),
    };
  },
});
