/** Turns an envelope into the event that handlers see, with everything that is wrong with it. */
import { CloudEvent } from 'cloudevents';
import type * as z from 'zod';
import { correlationIdOf } from '#shared/events/correlation-id.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { completeIdentity } from '#shared/events/identity.ts';
import { type Problem, problemsOf } from '#shared/events/problem.ts';
import { type DecodedData, decodeData } from './decode-data.ts';
import type { Envelope } from './envelope.ts';
import type { EventSchemas } from './types.ts';

/** Brokers written in Go write this for a missing time. */
const NO_TIME = '0001-01-01T00:00:00Z';

export interface Receipt {
  event: ReceivedEvent<unknown>;
  /** Why it must be refused: all problems of its envelope and of its data. */
  problems: Problem[];
  /** Whether the function takes events of this type. */
  supported: boolean;
}

export function receiveEvent(envelope: Envelope, schemas: EventSchemas): Receipt {
  const { attributes } = envelope;
  const type = String(attributes['type']);
  const source = String(attributes['source']);
  const subject = typeof attributes['subject'] === 'string' ? attributes['subject'] : undefined;
  const contentType = typeof attributes['datacontenttype'] === 'string' ? attributes['datacontenttype'] : undefined;
  const time = typeof attributes['time'] === 'string' ? attributes['time'].toUpperCase() : NO_TIME;

  const decoded = decodeData(envelope.content, contentType);
  // Not strict: the envelope has been checked by our own rules, and the SDK fails at an extension called `validate`.
  const original = new CloudEvent<unknown>({ ...withoutOtherVersion(attributes), time, data: decoded.data }, false);

  const schema = Object.hasOwn(schemas, type) ? schemas[type] : schemas['*'];
  const { data, problems } = schema
    ? checkData(schema, decoded, { source, subject })
    : { data: decoded.data, problems: [] };
  const id = String(attributes['id']);
  return {
    event: {
      id,
      source,
      type,
      subject,
      time: Date.parse(time) === Date.parse(NO_TIME) ? undefined : time,
      data,
      correlationId: correlationIdOf({ id, source, correlationid: attributes['correlationid'], data: decoded.data }),
      traceparent: typeof attributes['traceparent'] === 'string' ? attributes['traceparent'] : undefined,
      original,
    },
    problems: [...envelope.problems, ...problems],
    supported: schema !== undefined,
  };
}

function checkData(
  schema: z.ZodType,
  decoded: DecodedData,
  attributes: { source: string; subject: string | undefined },
): { data: unknown; problems: Problem[] } {
  const unreadable = decoded.problem === undefined ? [] : [{ path: 'data', message: decoded.problem }];
  if (decoded.dropped) {
    return { data: undefined, problems: unreadable };
  }
  const hasIds = hasField(schema, 'third_party_id') && hasField(schema, 'parser_id');
  // An event whose attributes state both ids needs no data.
  const given = decoded.data === undefined && hasIds && unreadable.length === 0 ? {} : decoded.data;
  const completed = hasIds ? completeIdentity(given, attributes) : { data: given, problems: [] };
  const parsed = schema.safeParse(completed.data);
  if (parsed.success) {
    // A schema that takes anything takes unreadable data as well: dead-letter keeps it.
    return { data: parsed.data, problems: completed.problems };
  }
  if (unreadable.length > 0) {
    return { data: given, problems: unreadable };
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given) || Buffer.isBuffer(given)) {
    return { data: given, problems: [{ path: 'data', message: `must be a JSON object, but it is ${kindOf(given)}` }] };
  }
  return { data: completed.data, problems: [...completed.problems, ...problemsOf(parsed.error, 'data')] };
}

/**
 * The SDK's constructor throws at an attribute that only the other version of CloudEvents has. In this version the
 * name is allowed, as that of an extension.
 */
function withoutOtherVersion(attributes: Record<string, unknown>): Record<string, unknown> {
  const { schemaurl: _, ...current } = attributes;
  const { dataschema: __, ...outdated } = attributes;
  return attributes['specversion'] === '1.0' ? current : outdated;
}

function hasField(schema: z.ZodType, field: string): boolean {
  const shape = 'shape' in schema ? schema.shape : undefined;
  return typeof shape === 'object' && shape !== null && field in shape;
}

function kindOf(value: unknown): string {
  if (value === undefined) {
    return 'missing';
  }
  if (Buffer.isBuffer(value)) {
    return 'binary (its content type is not JSON)';
  }
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
