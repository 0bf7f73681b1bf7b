/** Metrics of every function: rate, errors and duration by event type. Functions add their own to the same registry. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Not prom-client's default registry, which faas-js-runtime and libraries fill. */
export const registry = new Registry();

/** The outcome of a delivery. `refused`: the request was no event. `retry` and `failed`: the answer was 5xx or 429. */
export const outcomes = ['replied', 'acknowledged', 'rejected', 'retry', 'failed', 'refused'] as const;
export type Outcome = (typeof outcomes)[number];

/** The label for all types that a function does not declare: a sender must not be able to create time series. */
export const OTHER_TYPE = 'other';

const events = new Counter({
  name: 'knative_lambda_events_total',
  help: 'Deliveries answered, by what became of them. A redelivered event counts again.',
  labelNames: ['function', 'type', 'outcome'],
  registers: [registry],
});

/** Any other reason is counted as `other`: a handler may refuse with each of docs/events.md. */
const REJECTIONS = ['InvalidEvent', 'UnsupportedEvent', 'Unauthenticated', 'TooManyHops', 'NoSuchFunction', 'other'];

const rejected = new Counter({
  name: 'knative_lambda_events_rejected_total',
  help: 'Events that were refused for good, by reason.',
  labelNames: ['function', 'reason'],
  registers: [registry],
});

const duration = new Histogram({
  name: 'knative_lambda_event_duration_seconds',
  help: 'From the whole request read to the answer ready.',
  labelNames: ['function', 'type'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  registers: [registry],
});

const inFlight = new Gauge({
  name: 'knative_lambda_events_in_flight',
  help: 'Events being handled.',
  labelNames: ['function'],
  registers: [registry],
});

const coldStart = new Gauge({
  name: 'knative_lambda_cold_start_seconds',
  help: 'From the start of the process to its port being open.',
  labelNames: ['function'],
  registers: [registry],
});

export interface EventMetrics {
  begin(): void;
  /** `reason`: of a rejection. */
  end(type: string | undefined, outcome: Outcome, seconds: number, reason?: string): void;
  listening(uptimeSeconds: number): void;
}

/** Every combination begins at 0: rate() does not see the first increment of a series that begins at 1. */
export function eventMetrics(name: string, declaredTypes: string[]): EventMetrics {
  const types = new Set([...declaredTypes.filter((type) => type !== '*'), OTHER_TYPE]);
  for (const type of types) {
    for (const outcome of outcomes) {
      events.inc({ function: name, type, outcome }, 0);
    }
    duration.zero({ function: name, type });
  }
  for (const reason of REJECTIONS) {
    rejected.inc({ function: name, reason }, 0);
  }
  inFlight.set({ function: name }, 0);
  return {
    begin: () => inFlight.inc({ function: name }),
    end: (eventType, outcome, seconds, reason = 'other') => {
      const type = eventType !== undefined && types.has(eventType) ? eventType : OTHER_TYPE;
      inFlight.dec({ function: name });
      events.inc({ function: name, type, outcome });
      duration.observe({ function: name, type }, seconds);
      if (outcome === 'rejected') {
        rejected.inc({ function: name, reason: REJECTIONS.includes(reason) ? reason : 'other' });
      }
    },
    listening: (uptimeSeconds) => coldStart.set({ function: name }, uptimeSeconds),
  };
}
