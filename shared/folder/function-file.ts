/** `function.yaml` in a function's folder: its name, and what `build.start` says beside the code. Pure. */
import { parse } from 'yaml';
import * as z from 'zod';
import { idSchema } from '#shared/events/identity.ts';
import { parametersSchema } from '#shared/events/parameters.ts';
import { problemsOf } from '#shared/events/problem.ts';
import { type UnknownField, unknownFields } from '#shared/events/unknown-fields.ts';

const schema = z.object({
  name: idSchema.optional(),
  tenant: idSchema.optional(),
  parameters: parametersSchema.optional(),
});

export type FunctionFile = z.infer<typeof schema>;

/** `problem` has no name of a file; `next` is a sentence. */
export type ReadFunctionFile = { file: FunctionFile } | { problem: string; next: string };

export function parseFunctionFile(text: string): ReadFunctionFile {
  let given: unknown;
  try {
    given = parse(text) ?? {};
  } catch (error) {
    const [first = ''] = (error as Error).message.split('\n');
    return { problem: ` is no YAML: ${first}`, next: 'Mend that line.' };
  }
  const unknown = unknownFields(schema, given).map(inParameters);
  const result = schema.safeParse(given);
  if (result.success && unknown.length === 0) {
    // zod has filled in nothing that the person did not write.
    return { file: result.data };
  }
  const problems = result.success ? [] : problemsOf(result.error, '');
  const told = [
    ...unknown.map(({ path }) => `Unrecognized key: ${JSON.stringify(path)}`),
    ...problems.map(({ path, message }) => `${path.replace(/^\./, '')} ${message}`.trim()),
  ];
  return { problem: `: ${told.join('; ')}`, next: nextFor(unknown) };
}

/** What belongs into the parameters is often written beside them. */
function inParameters(field: UnknownField): UnknownField {
  return Object.hasOwn(parametersSchema.shape, field.path) ? { ...field, meant: `parameters.${field.path}` } : field;
}

function nextFor(unknown: UnknownField[]): string {
  const [first, ...others] = unknown;
  if (first === undefined) {
    return 'docs/cli.md has every field.';
  }
  const guessed = unknown.filter(({ meant }) => meant !== undefined);
  const guesses = guessed.map(({ path, meant }) => (others.length === 0 ? meant : `${meant} for ${path}`));
  const strange = unknown.find(({ meant }) => meant === undefined);
  return [
    ...(guesses.length > 0 ? [`Did you mean ${guesses.join(', ')}?`] : []),
    ...(strange === undefined ? [] : [`In the place of ${strange.path} there may be: ${strange.known.join(', ')}.`]),
  ].join(' ');
}
