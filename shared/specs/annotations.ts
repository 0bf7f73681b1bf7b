/** What a Job, a Service and a Trigger tell about the build they belong to, so that nothing about it need be kept elsewhere. */
import * as z from 'zod';
import { type Identity, idSchema } from '#shared/events/identity.ts';
import { sha256 } from '#shared/events/job-start.ts';
import { languages, parametersSchema } from '#shared/events/parameters.ts';
import { reasonSchema } from '#shared/events/reasons.ts';
import { readJson } from '#shared/read-json.ts';

const PREFIX = 'knative-lambda/';

/** Keeps a Job until its terminal event has been processed. */
export const TERMINAL_EVENT_FINALIZER = 'knative-lambda/terminal-event';

/** Holds why a Job was ended early. Whoever ends one writes it before deleting; the first writer wins. */
export const ENDED_ANNOTATION = `${PREFIX}ended`;

/** RFC 3339: when a Job's terminal event had been processed. A success is, some seconds before the Job itself is complete: its pod ends first. */
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
  /** The event that asked: a Job's is job.start, a Service's build.complete. */
  event_id: z.string().min(1),
  traceparent: z.string().optional(),
  /** `repository:tag`: where Kaniko pushes to; the tag is the beginning of what each pod appends its own name to. */
  image: z.string().min(1),
  /** `s3://bucket/key` of the build log. */
  log: z.string().optional(),
  language,
  priority: z.coerce.number().int().min(1).max(10),
  parameters: parametersSchema,
});

/** One build, as the objects made for it carry it. */
export type Build = z.infer<typeof buildSchema>;

const endedSchema = z.object({
  status: z.enum(['cancelled', 'superseded', 'timeout']),
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

/** Undefined where the object is not one of ours, or somebody has changed what we wrote. */
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

/** Empty where the object tells none. */
export function tenantOf(object: Annotated): string {
  return object.metadata?.annotations?.[keyOf('third_party_id')] ?? '';
}

/** 1 first; last where the object tells none. */
export function priorityOf(object: Annotated): number {
  return Number(object.metadata?.annotations?.[keyOf('priority')] ?? Number.POSITIVE_INFINITY);
}

/** Milliseconds since the epoch; -Infinity where the object tells none, so that it is older than everything. */
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
