/**
 * Fields that a schema does not know. Events may have them, since other versions may know more; a person who has
 * written one has most often mistyped it.
 */
import * as z from 'zod';
import { nearest } from '#shared/nearest.ts';

export interface UnknownField {
  /** Dotted, as `parameters.timout_seconds`. */
  path: string;
  /** The field that was most likely meant, by its whole path. */
  meant: string | undefined;
  /** Fields that the schema has in that place. */
  known: string[];
}

/** More than a person reads, and an event may have very many. */
const MOST = 20;

/** In the order in which they stand. Lists are not looked into: their own schemas refuse what they do not know. */
export function unknownFields(schema: z.ZodType, value: unknown): UnknownField[] {
  return [...fieldsBelow(schema, value, [])].slice(0, MOST);
}

function* fieldsBelow(schema: z.ZodType, value: unknown, above: string[]): Generator<UnknownField> {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    yield* fieldsBelow(schema.unwrap() as z.ZodType, value, above);
    return;
  }
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return;
  }
  const shape: Record<string, z.ZodType> = schema.shape;
  const known = Object.keys(shape);
  for (const [name, below] of Object.entries(value)) {
    const path = [...above, name];
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (field === undefined) {
      const meant = nearest(name, known) ?? withTheSameWord(name, known);
      yield { path: path.join('.'), meant: meant && [...above, meant].join('.'), known };
    } else {
      yield* fieldsBelow(field, below, path);
    }
  }
}

/** `timeout` for `timeout_seconds`, `environment` for `env`. */
function withTheSameWord(name: string, known: string[]): string | undefined {
  const word = name.toLowerCase();
  return word.length < 3 ? undefined : known.find((field) => field.includes(word) || word.startsWith(field));
}

/** In one sentence, for people. */
export function toldUnknown({ path, meant, known }: UnknownField): string {
  return `${path} is no field (${meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`})`;
}
