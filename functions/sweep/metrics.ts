/** What sweep has repaired, and what it has seen. */
import { Counter, Gauge } from 'prom-client';
import { registry } from '#shared/telemetry/metrics.ts';
import type { SweepMetrics } from './dependencies.ts';
import { REPAIRS } from './report.ts';

export function createSweepMetrics(): SweepMetrics {
  const swept = new Counter({
    name: 'knative_lambda_swept_total',
    help: 'What sweep had to mend, by what it was; errors: what it could not.',
    labelNames: ['what'],
    registers: [registry],
  });
  for (const what of REPAIRS) {
    swept.inc({ what }, 0);
  }
  const waiting = new Gauge({
    name: 'knative_lambda_builds_waiting',
    help: 'Builds that wait for a slot, as sweep last saw them. Not with ADMISSION=kueue: Kueue has its own.',
    registers: [registry],
  });
  const running = new Gauge({
    name: 'knative_lambda_builds_running',
    help: 'Builds that hold a slot, as sweep last saw them.',
    registers: [registry],
  });
  const oldest = new Gauge({
    name: 'knative_lambda_oldest_request_seconds',
    help: 'Age of the oldest build.start that is neither a Job nor answered; 0: there is none.',
    registers: [registry],
  });
  const oldestLetter = new Gauge({
    name: 'knative_lambda_oldest_dead_letter_seconds',
    help: 'Age of the oldest open dead letter, as sweep last saw it; 0: there is none.',
    registers: [registry],
  });
  return {
    swept: (counts) => {
      for (const what of REPAIRS) {
        swept.inc({ what }, counts[what]);
      }
    },
    builds: (waitingBuilds, runningBuilds) => {
      waiting.set(waitingBuilds);
      running.set(runningBuilds);
    },
    oldestRequest: (seconds) => oldest.set(seconds),
    oldestLetter: (seconds) => oldestLetter.set(seconds),
  };
}
