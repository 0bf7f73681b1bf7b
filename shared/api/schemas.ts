/**
 * What the API answers, and takes. The gateway makes its OpenAPI description of these; the command and the page read
 * their types.
 */
import * as z from 'zod';
import { idSchema } from '#shared/events/identity.ts';

const time = z.iso.datetime({ offset: true });
const count = z.int().nonnegative();
const milliseconds = z.number().nonnegative();
const identity = { third_party_id: idSchema, parser_id: idSchema };

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.string().optional() });
}

export const problemDocumentSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  reason: z.string(),
  /** What was wrong, and what to do next. */
  detail: z.string(),
  problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

export const meSchema = z.object({
  principal: z.string(),
  operator: z.boolean(),
  third_party_ids: z.array(z.string()),
  authentication: z.enum(['off', 'warn', 'required']),
  version: z.string(),
  platform: z.enum(['laptop', 'cluster']),
  namespace: z.string(),
});

export const buildStatusSchema = z.enum([
  'queued',
  'running',
  'success',
  'failed',
  'timeout',
  'cancelled',
  'superseded',
]);

export const buildSchema = z.object({
  ...identity,
  correlation_id: z.string(),
  status: buildStatusSchema,
  reason: z.string().optional(),
  error_message: z.string().optional(),
  language: z.string().optional(),
  /** Whether nothing had to be done, only the code was put on its dependencies, or a Job ran. */
  path: z.enum(['cached', 'layer', 'job']).optional(),
  job_name: z.string().optional(),
  image_uri: z.string().optional(),
  queue_position: count.optional(),
  started_at: time.optional(),
  completed_at: time.optional(),
  duration_ms: milliseconds.optional(),
});

/** A call that a function has broken off: its process ended, or it closed the connection. */
export const crashSchema = z.object({
  time,
  /** The id of such a call. */
  call: z.string(),
  revision: z.string(),
  pod: z.string(),
  /** Undefined where its process goes on. */
  exit_code: z.int().optional(),
  /** The end of its log, a stack with its lines; where its process goes on, what the connection said. */
  text: z.string().default(''),
});

export const functionStateSchema = z.enum(['building', 'ready', 'starting', 'failed', 'deleting']);

export const functionSchema = z.object({
  ...identity,
  state: functionStateSchema,
  /** Why it is not ready, for people. */
  message: z.string().optional(),
  service_name: z.string(),
  url: z.string().optional(),
  revision: z.string().optional(),
  image_uri: z.string().optional(),
  language: z.string().optional(),
  delivery: z.enum(['shared', 'own']),
  pods: count.optional(),
  observed_at: time.optional(),
  created_at: time.optional(),
  last_build: buildSchema.optional(),
  /** When its process last ended during a call, where that was within the last hour and of what is deployed. */
  crashed_at: time.optional(),
  /** Of the last hour, as far as they are known: those that the function answered, or that ended in its place. */
  calls: count.optional(),
  /** Of them, those that failed. */
  errors: count.optional(),
  p95_ms: milliseconds.optional(),
});

/** Calls of some time in numbers. Percentiles are undefined where there was no call. */
const callNumbersSchema = z.object({
  calls: count,
  /** Of the calls, those that failed. */
  errors: count,
  /** Tries that nobody answered for: they come again. */
  retried: count,
  /** Calls that may have waited for a pod to start. */
  cold_starts: count,
  p50_ms: milliseconds.optional(),
  p95_ms: milliseconds.optional(),
  p99_ms: milliseconds.optional(),
});

export const functionMetricsSchema = z.object({
  ...identity,
  from: time,
  to: time,
  /** That run now. */
  pods: count,
  total: callNumbersSchema.extend({ errors_by_reason: z.record(z.string(), count) }),
  /** One a minute, oldest first; the last minute has not ended. */
  points: z.array(callNumbersSchema.extend({ time })),
  /** By the version that was called. */
  versions: z.array(callNumbersSchema.extend({ revision: z.string() })),
});

export const versionSchema = z.object({
  revision: z.string(),
  image_uri: z.string().optional(),
  created_at: time,
  observed_at: time.optional(),
  ready: z.boolean(),
  message: z.string().optional(),
  traffic_percent: z.number().min(0).max(100),
});

export const functionDetailSchema = functionSchema.extend({
  settings: z.object({
    /** As asked for; undefined where the source itself says it. */
    language: z.string().optional(),
    handler: z.string().optional(),
    env: z.array(z.object({ name: z.string(), value: z.string() })),
    secrets: z.array(
      z.object({ name: z.string(), key: z.string(), env: z.string().optional(), file: z.string().optional() }),
    ),
    scaling: z.record(z.string(), z.unknown()),
    resources: z.record(z.string(), z.unknown()),
    timeout_seconds: z.number().optional(),
    concurrency: z.number().optional(),
    /** Whether inputs of kept calls are kept. */
    record: z.boolean().optional(),
  }),
  conditions: z.array(
    z.object({ type: z.string(), status: z.string(), reason: z.string().optional(), message: z.string().optional() }),
  ),
  versions: z.array(versionSchema),
  builds: z.array(buildSchema),
});

export const logLineSchema = z.object({
  time,
  pod: z.string(),
  container: z.string().optional(),
  revision: z.string().optional(),
  /** The id of the call's event, where the line belongs to one. */
  call: z.string().optional(),
  text: z.string(),
});

export const eventLineSchema = z.object({
  /** Goes on after this one: Last-Event-ID. */
  cursor: z.string(),
  time,
  type: z.string(),
  source: z.string(),
  id: z.string(),
  third_party_id: z.string().optional(),
  parser_id: z.string().optional(),
  correlation_id: z.string().optional(),
  causation_id: z.string().optional(),
  /** Cut at 16 KiB. */
  data: z.unknown().optional(),
});

export const timelineEntrySchema = z.object({
  time,
  /** Since the first entry. */
  after_ms: milliseconds,
  kind: z.enum(['event', 'job', 'pod', 'service', 'log', 'letter']),
  title: z.string(),
  detail: z.string().optional(),
  event: eventLineSchema.optional(),
});

export const explanationSchema = z.object({
  about: z.string(),
  healthy: z.boolean(),
  reason: z.string().optional(),
  /** One sentence. */
  cause: z.string(),
  evidence: z.array(
    z.object({
      kind: z.enum(['log', 'file', 'object', 'event', 'time', 'setting']),
      text: z.string(),
      where: z.string().optional(),
    }),
  ),
  next: z.object({ say: z.string(), command: z.string().optional() }).optional(),
});

const phaseSchema = z.object({ name: z.string(), started_at: time, duration_ms: milliseconds.optional() });

export const buildDetailSchema = buildSchema.extend({
  phases: z.array(phaseSchema),
  timeline: z.array(timelineEntrySchema),
  explanation: explanationSchema.optional(),
  log_tail: z.array(z.string()).optional(),
});

export const callSchema = z.object({
  ...identity,
  id: z.string(),
  correlation_id: z.string().optional(),
  time,
  succeeded: z.boolean(),
  /** `stack`: where the handler raised it, as far as its language tells. */
  error: z.object({ type: z.string(), message: z.string(), stack: z.string().optional() }).optional(),
  result: z.unknown().optional(),
  duration_ms: milliseconds.optional(),
  revision: z.string().optional(),
  /** Whether it may have waited for a pod to start. */
  cold: z.boolean().optional(),
  /** Where its time went: wait (in the queue), start (of a pod, and the way), function, answer. */
  phases: z.array(phaseSchema).optional(),
  /** What it was called with, up to 16 KiB: only where the function consents by parameters.record. */
  input: z.unknown().optional(),
});

export const letterSchema = z.object({
  id: z.string(),
  time,
  type: z.string(),
  category: z.string(),
  reason: z.string(),
  third_party_id: z.string().optional(),
  parser_id: z.string().optional(),
  state: z.string(),
  advice: z.string().optional(),
  /** Of a call: how the function's process ended in it. */
  crash: crashSchema.optional(),
  /** Of the event that it keeps. */
  event_id: z.string().optional(),
  /** The event in structured form, where one letter is asked for. */
  event: z.record(z.string(), z.unknown()).optional(),
});

export const checkSchema = z.object({
  name: z.string(),
  group: z.string(),
  status: z.enum(['ok', 'warning', 'failed', 'unknown']),
  message: z.string(),
  next: z.object({ say: z.string(), command: z.string().optional() }).optional(),
});

export const doctorSchema = z.object({ checks: z.array(checkSchema) });

const fileSchema = z.object({
  path: z.string().min(1).max(1000),
  size: count,
  /** 64 hex digits. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const uploadRequestSchema = z.object({ files: z.array(fileSchema).min(1).max(10_000) });

export const uploadPlanSchema = z.object({
  prefix: z.string(),
  unchanged: z.array(z.string()),
  uploads: z.array(
    z.object({
      path: z.string(),
      method: z.literal('PUT'),
      url: z.string(),
      headers: z.record(z.string(), z.string()),
    }),
  ),
  /** In S3 and not in the request: finish removes them. */
  remove: z.array(z.string()),
});

export const uploadDoneSchema = z.object({ prefix: z.string(), removed: z.array(z.string()) });

export type Me = z.infer<typeof meSchema>;
export type Build = z.infer<typeof buildSchema>;
export type BuildDetail = z.infer<typeof buildDetailSchema>;
export type FunctionSummary = z.infer<typeof functionSchema>;
export type FunctionDetail = z.infer<typeof functionDetailSchema>;
export type FunctionMetrics = z.infer<typeof functionMetricsSchema>;
export type CallNumbers = z.infer<typeof callNumbersSchema>;
export type Crash = z.infer<typeof crashSchema>;
export type Version = z.infer<typeof versionSchema>;
export type LogLine = z.infer<typeof logLineSchema>;
export type EventLine = z.infer<typeof eventLineSchema>;
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;
export type Explanation = z.infer<typeof explanationSchema>;
export type Call = z.infer<typeof callSchema>;
export type Letter = z.infer<typeof letterSchema>;
export type Check = z.infer<typeof checkSchema>;
export type UploadRequest = z.infer<typeof uploadRequestSchema>;
export type UploadPlan = z.infer<typeof uploadPlanSchema>;
