/** What `make run` takes from its environment; all problems are told together. */
import { resolve } from 'node:path';
import * as z from 'zod';

const port = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number, 0 for any free one')
    .transform(Number)
    .refine((value) => value < 65_536, 'must be below 65536')
    .default(fallback);

const schema = z.object({
  BROKER_PORT: port(8080),
  S3_PORT: port(9000),
  REGISTRY_PORT: port(0),
  KUBERNETES_PORT: port(8001),
  GATEWAY_PORT: port(8081),
  /** Where the platform keeps everything. */
  LOCAL_DIRECTORY: z
    .string()
    .default(resolve(import.meta.dirname, '../../.local'))
    .transform((path) => resolve(path)),
  /** End after the main job. */
  ONCE: z
    .string()
    .default('')
    .transform((value) => !['', '0', 'false', 'no'].includes(value)),
});

export type RunEnvironment = z.infer<typeof schema>;

/** Empty counts as unset, as `make run BROKER_PORT=` means it. Throws one Error that names every bad variable. */
export function runEnvironment(from: NodeJS.ProcessEnv): RunEnvironment {
  const set = Object.fromEntries(Object.entries(from).filter(([, value]) => value !== ''));
  const result = schema.safeParse(set);
  if (!result.success) {
    const problems = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new Error(problems.join('\n'));
  }
  return result.data;
}
