/** `function.yaml` in a function's folder: its name, and what `build.start` says beside the code. Not uploaded. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { Failure } from '#cli/kn-lambda/failure.ts';
import { idSchema } from '#shared/events/identity.ts';
import { parametersSchema } from '#shared/events/parameters.ts';
import { problemsOf } from '#shared/events/problem.ts';
import { nearest } from '#shared/nearest.ts';

export const FUNCTION_FILE = 'function.yaml';

const fields = { name: idSchema.optional(), tenant: idSchema.optional(), parameters: parametersSchema.optional() };
const schema = z.strictObject(fields);

export type FunctionFile = z.infer<typeof schema>;

/** Empty where there is none. */
export function readFunctionFile(folder: string): FunctionFile {
  const file = join(folder, FUNCTION_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return {};
    }
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`, { next: 'Mend it, or remove it.' });
  }
  return checked(file, parsed(file, text));
}

function parsed(file: string, text: string): unknown {
  try {
    return parse(text) ?? {};
  } catch (error) {
    const [first = ''] = (error as Error).message.split('\n');
    throw new Failure(`${file} is no YAML: ${first}`, { next: 'Mend that line.' });
  }
}

function checked(file: string, given: unknown): FunctionFile {
  const result = schema.safeParse(given);
  if (result.success) {
    // zod has filled in nothing that the person did not write.
    return result.data;
  }
  const unknown = result.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const told = problemsOf(result.error, '').map(({ path, message }) => `${path.replace(/^\./, '')} ${message}`.trim());
  const [first] = unknown;
  const meant = first === undefined ? undefined : nearest(first, Object.keys(fields));
  throw new Failure(`${file}: ${told.join('; ')}`, {
    next: meant === undefined ? 'docs/cli.md has every field.' : `Did you mean ${meant}?`,
  });
}
