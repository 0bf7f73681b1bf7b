/** The pair of ids that every event of ours carries: they name the function that it is about. */
import * as z from 'zod';
import type { Problem } from './problem.ts';

/** 1–100 of `[A-Za-z0-9_-]`. `kn event` turns digits into JSON numbers, so an integer below 2^53 is read as text. */
export const idSchema = z.preprocess(
  (value) => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : value),
  z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'must be 1–100 of A–Z, a–z, 0–9, "_" and "-"'),
);

export interface Identity {
  third_party_id: string;
  parser_id: string;
}

export const identityFields = { third_party_id: idSchema, parser_id: idSchema };
export const identitySchema = z.object(identityFields);

const SOURCE_PREFIX = 'network.notifi.';

/** The CloudEvents subject by which Triggers route: `{third_party_id}/{parser_id}`. */
export function subjectOf({ third_party_id, parser_id }: Identity): string {
  return `${third_party_id}/${parser_id}`;
}

/**
 * The ids that an event's attributes state: in subject `{third_party_id}/{parser_id}`, or in source
 * `network.notifi.{third_party_id}` with subject `{parser_id}`. Empty where they state none.
 */
export function identityFromAttributes(event: { source: string; subject?: string | undefined }): Partial<Identity> {
  const parts = event.subject?.split('/') ?? [];
  if (parts.length === 2 && parts[0] && parts[1]) {
    return { third_party_id: parts[0], parser_id: parts[1] };
  }
  const stated: Partial<Identity> = {};
  if (event.source.startsWith(SOURCE_PREFIX) && event.source.length > SOURCE_PREFIX.length) {
    stated.third_party_id = event.source.slice(SOURCE_PREFIX.length);
    if (parts.length === 1 && parts[0]) {
      stated.parser_id = parts[0];
    }
  }
  return stated;
}

/**
 * The subject of the function that an event of any type is about, in structured form: by its attributes, or else by the
 * ids in its data. An event that states no pair of ids has its own subject.
 */
export function subjectOfAny(event: Record<string, unknown>): string | undefined {
  const { source, subject, data } = event;
  const given = typeof subject === 'string' && subject !== '' ? subject : undefined;
  // The attributes go first: the data of a call is the user's own, and may hold ids of anything.
  const stated = identityFromAttributes({ source: String(source), subject: given });
  const identity = identitySchema.safeParse({ ...(typeof data === 'object' ? data : {}), ...stated });
  return identity.success ? subjectOf(identity.data) : given;
}

/** Undefined where that subject names no function. */
export function identityOfAny(event: Record<string, unknown>): Identity | undefined {
  const [third_party_id, parser_id] = subjectOfAny(event)?.split('/') ?? [];
  return identitySchema.safeParse({ third_party_id, parser_id }).data;
}

/** `data` with the ids it lacks taken from the attributes; a problem for each id on which the two disagree. */
export function completeIdentity(
  data: unknown,
  event: { source: string; subject?: string | undefined },
): { data: unknown; problems: Problem[] } {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return { data, problems: [] };
  }
  const stated = identityFromAttributes(event);
  const completed: Record<string, unknown> = { ...data };
  const problems: Problem[] = [];
  for (const key of ['third_party_id', 'parser_id'] as const) {
    const value = stated[key];
    if (value === undefined) {
      continue;
    }
    if (completed[key] === undefined) {
      completed[key] = value;
    } else if (completed[key] !== value && !isDecimal(completed[key], value)) {
      problems.push({
        path: `data.${key}`,
        message: `is ${JSON.stringify(completed[key])}, but the event's ${event.subject?.includes('/') ? 'subject' : 'source and subject'} say ${JSON.stringify(value)}: make them agree, or leave one out`,
      });
    }
  }
  return { data: completed, problems };
}

/** Only numbers are converted: String() throws at an object whose toString is no function. */
function isDecimal(id: unknown, text: string): boolean {
  return typeof id === 'number' && String(id) === text;
}
