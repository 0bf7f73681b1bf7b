/** Calls of users' functions, as seen on the broker. */
import { Counter, Histogram } from 'prom-client';
import { registry } from '#shared/telemetry/metrics.ts';
import type { ParserMetrics } from './dependencies.ts';

export function createParserMetrics(): ParserMetrics {
  const calls = new Counter({
    name: 'knative_lambda_parser_calls_total',
    help: 'parser.start events that could be routed. A redelivered event counts again.',
    registers: [registry],
  });
  const answers = new Counter({
    name: 'knative_lambda_parser_answers_total',
    help: 'parser.complete events, by whether the code succeeded.',
    labelNames: ['succeeded'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'knative_lambda_parser_duration_seconds',
    help: "How long the users' code ran, as the function told.",
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  // rate() does not see the first value of a series, so each series begins at 0.
  answers.inc({ succeeded: 'true' }, 0);
  answers.inc({ succeeded: 'false' }, 0);
  return {
    called: () => calls.inc(),
    answered: (succeeded, seconds) => {
      answers.inc({ succeeded: String(succeeded) });
      if (seconds !== undefined) {
        duration.observe(seconds);
      }
    },
  };
}
