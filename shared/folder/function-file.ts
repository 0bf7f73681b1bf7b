/** `function.yaml` in a function's folder: its name, and what `build.start` says beside the code. Pure. */
import { parse } from 'yaml';
import * as z from 'zod';
import { idSchema } from '#shared/events/identity.ts';
import { parametersSchema } from '#shared/events/parameters.ts';
import { problemsOf } from '#shared/events/problem.ts';
import { nearest } from '#shared/nearest.ts';

const fields = { name: idSchema.optional(), tenant: idSchema.optional(), parameters: parametersSchema.optional() };
const schema = z.strictObject(fields);

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
  const result = schema.safeParse(given);
  if (result.success) {
    // zod has filled in nothing that the person did not write.
    return { file: result.data };
  }
  const unknown = result.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const told = problemsOf(result.error, '').map(({ path, message }) => `${path.replace(/^\./, '')} ${message}`.trim());
  const [first] = unknown;
  const meant = first === undefined ? undefined : nearest(first, Object.keys(fields));
  return {
    problem: `: ${told.join('; ')}`,
    next: meant === undefined ? 'docs/cli.md has every field.' : `Did you mean ${meant}?`,
  };
}
