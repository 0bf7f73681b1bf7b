/** Calls of users' functions, as the door makes them. */
import { Counter, Histogram } from 'prom-client';
import { registry } from '#shared/telemetry/metrics.ts';
import type { CallMetrics } from './dependencies.ts';

export function createCallMetrics(): CallMetrics {
  const calls = new Counter({
    name: 'knative_lambda_calls_total',
    help: 'Calls of functions, by what became of them. A call that is tried again counts again.',
    labelNames: ['outcome', 'reason'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'knative_lambda_call_duration_seconds',
    help: 'From the request to a function to its whole answer.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  const handedOn = new Counter({
    name: 'knative_lambda_calls_handed_on_total',
    help: 'Calls that go through another queue, by the lane that they came by and why.',
    labelNames: ['lane', 'why'],
    registers: [registry],
  });
  return {
    called: ({ outcome, reason = '', seconds }) => {
      calls.inc({ outcome, reason });
      duration.observe(seconds);
    },
    handedOn: (lane, why) => handedOn.inc({ lane, why }),
  };
}
