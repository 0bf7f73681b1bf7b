/** Parses the environment into a function's configuration. Reports every problem at once, with what to set. */
import * as z from 'zod';
import { fieldsFor } from './select.ts';

export type RuntimeConfig = z.infer<typeof runtimeSchema>;
export type Environment = Record<string, string | undefined>;

const runtimeSchema = z.object(fieldsFor('every function'));

/** Thrown where the environment lacks a setting or has a wrong one. The function ends with code 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`the configuration has ${problems.length} problem(s): ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** An empty variable counts as not set: a missing key of a ConfigMap looks like that after templating. */
export function parseConfig<Config extends z.ZodType>(
  schema: Config,
  environment: Environment,
): { runtime: RuntimeConfig; own: z.infer<Config> } {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const runtime = runtimeSchema.safeParse(set);
  const own = schema.safeParse(set);
  if (runtime.success && own.success) {
    return { runtime: runtime.data, own: own.data };
  }
  const issues = [...(runtime.error?.issues ?? []), ...(own.error?.issues ?? [])];
  throw new ConfigError([...new Set(issues.map((issue) => describe(issue, set)))]);
}

// Never with the value, which may be a secret.
function describe(issue: z.core.$ZodIssue, set: Record<string, unknown>): string {
  const name = issue.path.map(String).join('.');
  if (name === '') {
    return issue.message;
  }
  return name in set ? `${name}: ${issue.message}` : `${name}: is not set; set this environment variable`;
}
