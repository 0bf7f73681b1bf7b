/**
 * The annotations of a Job, a Service and a Trigger: they describe the build that the object belongs to, so nothing
 * else has to store it.
 */
import * as z from 'zod';
import { type Identity, idSchema } from '#shared/events/identity.ts';
import { sha256 } from '#shared/events/job-start.ts';
import { languages, parametersSchema } from '#shared/events/parameters.ts';
import { reasonSchema } from '#shared/events/reasons.ts';
import { readJson } from '#shared/read-json.ts';

const PREFIX = 'knative-lambda/';

/** Keeps a Job until its terminal event has been processed. */
export const TERMINAL_EVENT_FINALIZER = 'knative-lambda/terminal-event';

/** Why a Job was ended early. It is written before the Job is deleted, and the first writer wins. */
export const ENDED_ANNOTATION = `${PREFIX}ended`;

/**
 * RFC 3339: when a Job's terminal event has been processed. For a success that is some seconds before the Job itself is
 * complete.
 */
export const PROCESSED_ANNOTATION = `${PREFIX}processed`;

const language = z.enum([...languages, 'docker']);

/** In the order in which `kubectl describe` is read. */
const buildSchema = z.object({
  third_party_id: idSchema,
  parser_id: idSchema,
  build_key: sha256,
  fingerprint: sha256,
  /** RFC 3339: when the source was listed. */
  observed_at: z.iso.datetime(),
  correlation_id: z.string().min(1),
  /** Id of the event that caused the object: a job.start for a Job, a build.complete for a Service. */
  event_id: z.string().min(1),
  traceparent: z.string().optional(),
  /** `repository:tag`. Each pod pushes to this tag with its own name appended. */
  image: z.string().min(1),
  /** `s3://bucket/key` of the build log. */
  log: z.string().optional(),
  dependencies: sha256.optional(),
  language,
  priority: z.coerce.number().int().min(1).max(10),
  parameters: parametersSchema,
});

/** One build, as described by the annotations of its objects. */
export type Build = z.infer<typeof buildSchema>;

const endedSchema = z.object({
  status: z.enum(['cancelled', 'superseded', 'timeout', 'failed']),
  reason: reasonSchema,
  message: z.string(),
});

export type Ended = z.infer<typeof endedSchema>;

interface Annotated {
  metadata?: { annotations?: Record<string, string> | undefined } | undefined;
}

export function buildAnnotations(build: Build): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const [field, value] of Object.entries(build)) {
    if (value !== undefined) {
      annotations[keyOf(field)] = typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
  }
  return annotations;
}

/** Undefined where the object is not ours, or its annotations have been changed. */
export function readBuild(object: Annotated): Build | undefined {
  const annotations = object.metadata?.annotations ?? {};
  const fields = Object.keys(buildSchema.shape).map((field) => [field, annotations[keyOf(field)]] as const);
  const present = Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  return buildSchema.safeParse({ ...present, parameters: readJson(present['parameters']) }).data;
}

export function isOf(identity: Identity, object: Annotated): boolean {
  const annotations = object.metadata?.annotations;
  return (
    annotations?.[keyOf('third_party_id')] === identity.third_party_id &&
    annotations[keyOf('parser_id')] === identity.parser_id
  );
}

/** Empty where the object has none. */
export function tenantOf(object: Annotated): string {
  return object.metadata?.annotations?.[keyOf('third_party_id')] ?? '';
}

/** 1 comes first. An object without priority comes last. */
export function priorityOf(object: Annotated): number {
  return Number(object.metadata?.annotations?.[keyOf('priority')] ?? Number.POSITIVE_INFINITY);
}

/** Milliseconds since the epoch; -Infinity where the object has none, so that it counts as older than any other. */
export function observedAt(object: Annotated): number {
  const time = Date.parse(object.metadata?.annotations?.[keyOf('observed_at')] ?? '');
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time;
}

export function readEnded(object: Annotated): Ended | undefined {
  return endedSchema.safeParse(readJson(object.metadata?.annotations?.[ENDED_ANNOTATION])).data;
}

function keyOf(field: string): string {
  return PREFIX + field.replaceAll('_', '-');
}
