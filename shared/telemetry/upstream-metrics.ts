/** Metrics of the calls to Kubernetes, S3, ECR and registries. */
import { Counter, Histogram } from 'prom-client';
import { registry } from './metrics.ts';

/**
 * How a call ended. `ok` was answered at the first attempt, `retried` at a later one; a refusal counts as an answer.
 * `failed` got no answer, a 5xx or a 429 at every attempt. Two were not sent: `short_circuited`, because the upstream
 * had failed too often, and `limited`, because this process had too many calls in flight.
 */
export const callOutcomes = ['ok', 'retried', 'failed', 'short_circuited', 'limited'] as const;
export type CallOutcome = (typeof callOutcomes)[number];

const calls = new Counter({
  name: 'knative_lambda_upstream_calls_total',
  help: 'Calls to Kubernetes, S3, ECR and registries, by how they ended. One that was repeated counts once.',
  labelNames: ['system', 'outcome'],
  registers: [registry],
});

const durations = new Histogram({
  name: 'knative_lambda_upstream_call_duration_seconds',
  help: 'From the first attempt of a call until its last was answered or given up, with all waiting in between.',
  labelNames: ['system'],
  buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10],
  registers: [registry],
});

/**
 * Every outcome begins at 0: rate() does not see the first increment of a series that begins at 1. `seconds`: of a call
 * that was sent.
 */
export function upstreamMetrics(system: string): (outcome: CallOutcome, seconds?: number) => void {
  for (const outcome of callOutcomes) {
    calls.inc({ system, outcome }, 0);
  }
  durations.zero({ system });
  return (outcome, seconds) => {
    calls.inc({ system, outcome });
    if (seconds !== undefined) {
      durations.observe({ system }, seconds);
    }
  };
}
