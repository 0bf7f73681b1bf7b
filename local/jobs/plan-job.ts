/** What a Job needs now: its status, pods to make and to remove, and when to look again. Pure. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import {
  conditionOf,
  type FailureReason,
  type Job,
  type JobCondition,
  type JobConditionType,
  type JobStatus,
} from './job.ts';
import { isOver, type JobHistory } from './job-history.ts';

export interface JobPlan {
  status: JobStatus;
  /** How many pods to make. */
  create: number;
  remove: KubeObject[];
  /** Milliseconds since the epoch; undefined where only a change can make a difference. */
  wakeAt: number | undefined;
}

const DEFAULT_BACKOFF_LIMIT = 6;
const MAX_BACKOFF_MS = 600_000;

/** What is to be done with the Job's pods, beside what its status says. */
interface Step {
  create?: number;
  remove?: KubeObject[];
  wakeAt?: number | undefined;
}

/** For a Job that is neither finished nor being deleted. */
export function planJob(
  job: Job,
  pods: readonly KubeObject[],
  history: JobHistory,
  { now, backoffMs }: { now: number; backoffMs: number },
): JobPlan {
  const live = pods.filter((pod) => !isOver(pod));
  const active = live.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const conditions = new Conditions(job.status?.conditions ?? [], now);
  const times: { startTime?: string | undefined; completionTime?: string | undefined } = {};
  /** Ended only once no pod is left: whoever sees it may rely on nothing of the Job running any more. */
  const end = (target: JobConditionType, final: JobConditionType, reason: string, message: string): Step => {
    conditions.set(target, 'True', reason, message);
    if (live.length === 0) {
      conditions.set(final, 'True', reason, message);
    }
    return { remove: active };
  };

  const failure = failureOf(job, history, now);
  let step: Step = { remove: active };
  if (failure) {
    times.startTime = job.status?.startTime;
    step = end('FailureTarget', 'Failed', failure.reason, failure.message);
  } else if (isEnough(job, history, live)) {
    times.startTime = job.status?.startTime;
    times.completionTime = live.length === 0 ? timestamp(now) : undefined;
    const message = 'Reached expected number of succeeded pods';
    step = end('SuccessCriteriaMet', 'Complete', 'CompletionsReached', message);
  } else if (job.spec.suspend === true) {
    conditions.set('Suspended', 'True', 'JobSuspended', 'Job suspended');
    history.startedAt = undefined;
  } else {
    const startTime = startTimeOf(job, history, conditions, now);
    times.startTime = startTime;
    step = runPods(job, live, active, history, { now, backoffMs, startTime });
  }

  const { create = 0, remove = [], wakeAt } = step;
  const list = conditions.list();
  const status: JobStatus = withoutUndefined({
    ...times,
    ready: active.filter(isReady).length,
    terminating: live.length - active.length,
    uncountedTerminatedPods: {},
    succeeded: history.succeeded || undefined,
    failed: history.failed || undefined,
    active: active.length - remove.length + create || undefined,
    conditions: list.length > 0 ? list : undefined,
  });
  return { status, create, remove, wakeAt };
}

function isEnough(job: Job, history: JobHistory, live: KubeObject[]): boolean {
  const { completions } = job.spec;
  return (
    conditionOf(job, 'SuccessCriteriaMet') !== undefined ||
    (completions === undefined ? history.succeeded > 0 && live.length === 0 : history.succeeded >= completions)
  );
}

/** A Job that is resumed starts anew. */
function startTimeOf(job: Job, history: JobHistory, conditions: Conditions, now: number): string {
  const isResumed = conditionOf(job, 'Suspended') !== undefined;
  if (isResumed) {
    conditions.set('Suspended', 'False', 'JobResumed', 'Job resumed');
  }
  const known = isResumed ? undefined : job.status?.startTime;
  history.startedAt = known === undefined ? now : history.startedAt;
  return known ?? timestamp(now);
}

function runPods(
  job: Job,
  live: KubeObject[],
  active: KubeObject[],
  history: JobHistory,
  { now, backoffMs, startTime }: { now: number; backoffMs: number; startTime: string },
): Step {
  const { completions, parallelism = 1 } = job.spec;
  const deadline = deadlineOf(job, history, Date.parse(startTime));
  const left = completions === undefined ? (history.succeeded > 0 ? 0 : parallelism) : completions - history.succeeded;
  const wanted = Math.min(parallelism, left);
  if (active.length > wanted) {
    return { remove: active.slice(wanted), wakeAt: deadline };
  }
  // A pod that is ending holds its place: two builds of one Job never run at once.
  const missing = Math.max(0, wanted - live.length);
  const retryAt = history.failuresInARow === 0 ? 0 : history.lastFailureAt + backoff(history.failuresInARow, backoffMs);
  return missing > 0 && retryAt > now
    ? { wakeAt: Math.min(retryAt, deadline ?? retryAt) }
    : { create: missing, wakeAt: deadline };
}

function failureOf(job: Job, history: JobHistory, now: number): { reason: FailureReason; message: string } | undefined {
  const decided = conditionOf(job, 'FailureTarget');
  if (decided !== undefined) {
    return { reason: decided.reason as FailureReason, message: decided.message };
  }
  if (conditionOf(job, 'SuccessCriteriaMet') !== undefined) {
    return undefined;
  }
  if (history.failJob !== undefined) {
    return { reason: 'PodFailurePolicy', message: history.failJob };
  }
  const limit = job.spec.backoffLimit ?? DEFAULT_BACKOFF_LIMIT;
  if (history.failed > limit) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const started = job.status?.startTime;
  const deadline = started === undefined ? undefined : deadlineOf(job, history, Date.parse(started));
  if (deadline !== undefined && deadline <= now && job.spec.suspend !== true) {
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  return undefined;
}

function deadlineOf(job: Job, history: JobHistory, startTime: number): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds;
  return seconds === undefined ? undefined : (history.startedAt ?? startTime) + seconds * 1000;
}

/** 10 s, 20 s, 40 s … up to ten minutes. */
function backoff(failures: number, base: number): number {
  return Math.min(MAX_BACKOFF_MS, base * 2 ** (failures - 1));
}

function isReady(pod: KubeObject): boolean {
  const conditions = (pod['status']?.conditions ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function withoutUndefined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Keeps the time of the last transition. */
class Conditions {
  readonly #list: JobCondition[];
  readonly #now: number;

  constructor(before: readonly JobCondition[], now: number) {
    this.#list = [...before];
    this.#now = now;
  }

  set(type: JobCondition['type'], status: 'True' | 'False', reason: string, message: string): void {
    const index = this.#list.findIndex((condition) => condition.type === type);
    if (this.#list[index]?.status === status) {
      return;
    }
    const time = timestamp(this.#now);
    const next = { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
    if (index === -1) {
      this.#list.push(next);
    } else {
      this.#list[index] = next;
    }
  }

  list(): JobCondition[] {
    return this.#list;
  }
}
