/**
 * Calls of users' functions, as the door makes them. A function has 25 series, and only so many functions have series
 * of their own: what a tenant deploys must not fill Prometheus.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import { HOUR } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import { registry } from '#shared/telemetry/metrics.ts';
import type { CallMetrics, CallReport, HandedOn } from './dependencies.ts';

export interface CallMetricsSettings {
  /** Functions with series of their own at a time. All others share one set. */
  functions: number;
  /** `tenant`, or `tenant/function`: these never have series of their own. */
  leaveOut: readonly string[];
  now: () => Date;
}

const lost = new Counter({
  name: 'knative_lambda_call_numbers_lost_total',
  help: 'Batches of numbers of calls that S3 did not take. The calls themselves are not concerned.',
  registers: [registry],
});

export function noteLostNumbers(): void {
  lost.inc();
}

const OUTCOMES: Pick<CallReport, 'outcome' | 'reason'>[] = [
  { outcome: 'succeeded' },
  { outcome: 'passed' },
  { outcome: 'failed', reason: 'HandlerFailed' },
  { outcome: 'failed', reason: 'BadReply' },
  { outcome: 'failed', reason: 'Timeout' },
  { outcome: 'failed', reason: 'OutOfMemory' },
];
const STARTS = ['cold', 'warm'] as const;
/** A call that is tried again has not ended. */
const ENDS = ['succeeded', 'failed'] as const;
/** The main lane alone hands calls on. */
const HANDED_ON: readonly HandedOn[] = ['own', 'no place', 'passed', 'not ready', 'look-up'];
const OTHER = { third_party_id: 'other', parser_id: 'other' };
const FUNCTION = ['third_party_id', 'parser_id'] as const;
const KEPT = HOUR;

interface Series {
  labels: Identity;
  revision: string;
  calledAt: number;
}

export function createCallMetrics({ functions, leaveOut, now }: CallMetricsSettings): CallMetrics {
  const own = new Map<string, Series>();
  const leftOut = new Set(leaveOut);
  const calls = new Counter({
    name: 'knative_lambda_calls_total',
    help: 'Calls of functions, by what became of them. A call that is tried again counts again.',
    labelNames: [...FUNCTION, 'outcome', 'reason'],
    registers: [registry],
    // At each scrape.
    collect: dropOld,
  });
  const duration = new Histogram({
    name: 'knative_lambda_call_duration_seconds',
    help: 'From the request to a function to its whole answer. Cold: after a minute without an answer of its revision.',
    labelNames: [...FUNCTION, 'start'],
    buckets: [0.01, 0.1, 1, 10, 60],
    registers: [registry],
  });
  const revisions = new Gauge({
    name: 'knative_lambda_call_revision',
    help: 'Always 1: the revision that was called last.',
    labelNames: [...FUNCTION, 'revision'],
    registers: [registry],
  });
  const ofRevision = new Counter({
    name: 'knative_lambda_revision_calls_total',
    help: 'Calls of the revision that was called last, by their end: whether a new version has ever worked.',
    labelNames: [...FUNCTION, 'revision', 'outcome'],
    registers: [registry],
  });
  const handedOn = new Counter({
    name: 'knative_lambda_calls_handed_on_total',
    help: 'Calls that go through another queue, by the lane that they came by and why.',
    labelNames: ['lane', 'why'],
    registers: [registry],
  });
  begin(OTHER);
  for (const why of HANDED_ON) {
    handedOn.inc({ lane: 'main', why }, 0);
  }

  /** From 0: rate() does not see the first increment of a series that begins at 1. */
  function begin(labels: Identity): void {
    for (const { outcome, reason = '' } of OUTCOMES) {
      calls.inc({ ...labels, outcome, reason }, 0);
    }
    for (const start of STARTS) {
      duration.zero({ ...labels, start });
    }
  }

  function dropOld(): void {
    for (const [name, { labels, revision, calledAt }] of own) {
      if (now().getTime() - calledAt > KEPT) {
        own.delete(name);
        for (const { outcome, reason = '' } of OUTCOMES) {
          calls.remove({ ...labels, outcome, reason });
        }
        for (const start of STARTS) {
          duration.remove({ ...labels, start });
        }
        endRevision(labels, revision);
      }
    }
  }

  function beginRevision(labels: Identity, revision: string): void {
    revisions.set({ ...labels, revision }, 1);
    for (const outcome of ENDS) {
      ofRevision.inc({ ...labels, revision, outcome }, 0);
    }
  }

  function endRevision(labels: Identity, revision: string): void {
    revisions.remove({ ...labels, revision });
    for (const outcome of ENDS) {
      ofRevision.remove({ ...labels, revision, outcome });
    }
  }

  /** Undefined for those that share a set. */
  function seriesOf({ third_party_id, parser_id }: Identity, revision: string): Series | undefined {
    const name = `${third_party_id}/${parser_id}`;
    const calledAt = now().getTime();
    const known = own.get(name);
    if (known) {
      known.calledAt = calledAt;
      return known;
    }
    if (own.size >= functions || leftOut.has(name) || leftOut.has(third_party_id)) {
      return undefined;
    }
    const series = { labels: { third_party_id, parser_id }, revision, calledAt };
    own.set(name, series);
    begin(series.labels);
    beginRevision(series.labels, revision);
    return series;
  }

  return {
    called: ({ identity, revision, outcome, reason = '', cold, seconds }) => {
      const series = seriesOf(identity, revision);
      const { labels } = series ?? { labels: OTHER };
      calls.inc({ ...labels, outcome, reason });
      duration.observe({ ...labels, start: cold ? 'cold' : 'warm' }, seconds);
      if (series && series.revision !== revision) {
        endRevision(labels, series.revision);
        beginRevision(labels, revision);
        series.revision = revision;
      }
      if (series && outcome !== 'passed') {
        ofRevision.inc({ ...labels, revision, outcome });
      }
    },
    handedOn: (lane, why) => handedOn.inc({ lane, why }),
  };
}
