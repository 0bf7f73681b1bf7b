/** Counts each call for people as well: what the API tells of the last hour. */
import { SECOND } from '#shared/durations.ts';
import type { CallNumbers } from '#shared/history/write-call-numbers.ts';
import type { CallMetrics } from './dependencies.ts';

export function withNumbers(metrics: CallMetrics, numbers: Pick<CallNumbers, 'count'>): CallMetrics {
  return {
    ...metrics,
    called: (report) => {
      metrics.called(report);
      const { identity, revision, outcome, reason = 'HandlerFailed', seconds, cold } = report;
      const ended = outcome === 'failed' ? reason : outcome === 'passed' ? 'retried' : 'succeeded';
      numbers.count({ ...identity, revision, outcome: ended, milliseconds: seconds * SECOND, cold });
    },
  };
}
