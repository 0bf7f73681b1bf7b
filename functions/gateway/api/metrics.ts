/** Calls of one function in numbers. */

import { type FunctionMetrics, functionMetricsSchema } from '#shared/api/schemas.ts';
import { MINUTE } from '#shared/durations.ts';
import { subjectOf } from '#shared/events/identity.ts';
import { failuresOf } from '#shared/history/call-numbers.ts';
import { identityOf, serviceOf } from './functions.ts';
import { numbersOf } from './numbers.ts';
import { operation } from './operation.ts';
import { noSuchResource } from './problems.ts';

export const getMetrics = operation({
  method: 'GET',
  path: '/functions/{third_party_id}/{parser_id}/metrics',
  says: 'Calls of the last hour by minute and by version: how many, how many failed, how long they took. And pods now.',
  answers: { one: functionMetricsSchema },
  handle: async ({ params }, deps): Promise<FunctionMetrics> => {
    const identity = identityOf(params);
    const [{ functions }, hour] = await Promise.all([deps.snapshot(), deps.hour()]);
    const known = functions.find((one) => subjectOf(one) === subjectOf(identity));
    if (!known && !(await serviceOf(deps, identity))) {
      throw noSuchResource();
    }
    const minutes = hour?.minutesOf(identity) ?? [];
    const to = deps.now().getTime();
    const total = hour?.totalOf(identity);
    return {
      ...identity,
      from: new Date((minutes[0]?.minute ?? Math.floor(to / MINUTE)) * MINUTE).toISOString(),
      to: new Date(to).toISOString(),
      pods: known?.pods ?? 0,
      total: { ...numbersOf(total), errors_by_reason: total ? failuresOf(total) : {} },
      points: minutes.map(({ minute, row }) => ({ time: new Date(minute * MINUTE).toISOString(), ...numbersOf(row) })),
      versions: (hour?.versionsOf(identity) ?? [])
        .map(({ revision, row }) => ({ revision, ...numbersOf(row) }))
        .sort((a, b) => (a.revision < b.revision ? 1 : -1)),
    };
  },
});
