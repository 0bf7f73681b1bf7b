/** Metrics of the calls to Kubernetes, S3 and ECR. */
import { Counter } from 'prom-client';
import { registry } from './metrics.ts';

/**
 * How a call ended. `ok` and `retried` were answered, be it with a refusal, at the first attempt or at a later one; `failed` got no answer, a 5xx or
 * a 429 to the last; `short_circuited` and `limited` were not sent: the upstream had failed too often, or this process had too much under way.
 */
export const callOutcomes = ['ok', 'retried', 'failed', 'short_circuited', 'limited'] as const;
export type CallOutcome = (typeof callOutcomes)[number];

const calls = new Counter({
  name: 'knative_lambda_upstream_calls_total',
  help: 'Calls to Kubernetes, S3 and ECR, by how they ended. One that was repeated counts once.',
  labelNames: ['system', 'outcome'],
  registers: [registry],
});

/** A series that begins at 1 is invisible to rate(). */
export function upstreamMetrics(system: string): (outcome: CallOutcome) => void {
  for (const outcome of callOutcomes) {
    calls.inc({ system, outcome }, 0);
  }
  return (outcome) => calls.inc({ system, outcome });
}
