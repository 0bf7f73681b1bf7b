/** Builds that have ended, each counted once: recorder alone knows whether it has seen an event before. */
import { Counter, Histogram } from 'prom-client';
import { type BuildRecord, LANGUAGES, PATHS, PHASES, type Phase } from '#shared/builds/build-record.ts';
import { type BuildStatus, buildStatuses } from '#shared/events/build-complete.ts';
import { REASONS } from '#shared/events/reasons.ts';
import { registry } from '#shared/telemetry/metrics.ts';

export type BuildPath = BuildRecord['path'];

export interface BuildMetrics {
  ended(build: { status: BuildStatus; reason?: string | undefined; record: BuildRecord | undefined }): void;
  /** From the request to its end, whichever that was. */
  took(path: BuildPath, seconds: number): void;
  phase(phase: Phase, path: BuildPath, seconds: number): void;
}

/** What a build that has a Job fails by most. All others begin with their first. */
const OF_JOBS = ['BuildFailed', 'CompileFailed', 'DependencyInstallFailed', 'ImagePushFailed', 'OutOfMemory'] as const;
const BEFORE_JOBS = ['NoSource', 'UnknownLanguage', 'HandlerNotFound', 'InvalidManifest', 'TooManyBuilds'] as const;
const PHASES_OF: Record<BuildPath, readonly Phase[]> = {
  job: PHASES,
  layer: ['build', 'deploy', 'ready'],
  cached: ['ready'],
  none: [],
};

export function createBuildMetrics(): BuildMetrics {
  const builds = new Counter({
    name: 'knative_lambda_builds_total',
    help: 'Builds that have ended, each once. path: cached (built before), layer (no Job), job, none (nothing was built).',
    labelNames: ['status', 'reason', 'language', 'path'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'knative_lambda_build_duration_seconds',
    help: 'From build.start to lifecycle.build.completed or .failed.',
    labelNames: ['path'],
    buckets: [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800],
    registers: [registry],
  });
  const phases = new Histogram({
    name: 'knative_lambda_build_phase_duration_seconds',
    help: 'Of builds that have ended: queued, placed, context and build as Kubernetes saw them, to the second; deploy; ready.',
    labelNames: ['phase', 'path'],
    buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    registers: [registry],
  });
  begin();

  /** From 0: increase() does not see the first increment of a series that begins at 1. */
  function begin(): void {
    for (const language of LANGUAGES.filter((language) => language !== 'unknown')) {
      for (const path of ['cached', 'layer', 'job'] as const) {
        builds.inc({ status: 'success', reason: '', language, path }, 0);
      }
      for (const reason of OF_JOBS) {
        builds.inc({ status: 'failed', reason, language, path: 'job' }, 0);
      }
      builds.inc({ status: 'timeout', reason: 'BuildTimeout', language, path: 'job' }, 0);
    }
    for (const reason of BEFORE_JOBS) {
      builds.inc({ status: 'failed', reason, language: 'unknown', path: 'none' }, 0);
    }
    for (const path of PATHS) {
      duration.zero({ path });
      for (const phase of PHASES_OF[path]) {
        phases.zero({ phase, path });
      }
    }
  }

  return {
    ended: ({ status, reason, record }) => {
      const { language = 'unknown', path = 'none', phases: known = {} } = record ?? {};
      // Where events are not signed, anybody can say anything.
      const because = status === 'success' ? '' : reason && reason in REASONS ? reason : 'other';
      builds.inc({ status: buildStatuses.includes(status) ? status : 'failed', reason: because, language, path });
      for (const [phase, seconds] of Object.entries(known)) {
        phases.observe({ phase, path }, seconds);
      }
    },
    took: (path, seconds) => duration.observe({ path }, seconds),
    phase: (phase, path, seconds) => phases.observe({ phase, path }, seconds),
  };
}
