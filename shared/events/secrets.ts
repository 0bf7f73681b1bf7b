/**
 * `parameters.secrets`: keys of Kubernetes Secrets that the function gets as environment variables or files. A request
 * only names them: the values never stand in an event.
 */
import * as z from 'zod';
import { envName } from './env.ts';

const MOST_SECRETS = 50;

const secretName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be the name of a Secret: lower-case letters, digits, "-" and "."',
  );

const secretKey = z
  .string()
  .regex(/^[-._a-zA-Z0-9]{1,253}$/, 'must be a key of a Secret: 1–253 of A–Z, a–z, 0–9, "-", "_" and "."');

/** Names like `.npmrc` are usual. Kubernetes keeps names that begin with two dots for itself. */
const file = z
  .string()
  .max(512)
  .regex(
    /^(?!\.\.)(?!\.(\/|$))[-._a-zA-Z0-9]+(\/(?!\.\.)(?!\.(\/|$))[-._a-zA-Z0-9]+)*$/,
    'must be a path below the folder of secrets such as "db/password": A–Z, a–z, 0–9, "-", "_" and ".", no name of which is "." or begins with ".."',
  );

const ONLY_REFERENCES = 'must have name, key, and env or file, and nothing else: the value belongs into the Secret';

const secretReference = z
  .strictObject(
    { name: secretName, key: secretKey, env: envName.optional(), file: file.optional() },
    { error: ({ code }) => (code === 'unrecognized_keys' ? ONLY_REFERENCES : undefined) },
  )
  .refine(({ env, file: path }) => (env === undefined) !== (path === undefined), 'must have either env or file');

/** One key of a Secret, and where the function finds its value. */
export type SecretReference = z.infer<typeof secretReference>;

export const secrets = z
  // Counted before each is checked: a hundred thousand problems would take long to write.
  .array(z.unknown())
  .max(MOST_SECRETS, `must have at most ${MOST_SECRETS} entries`)
  .pipe(z.array(secretReference))
  .superRefine((references, context) => {
    const names = new Map<string, number>();
    const paths = new Map<string, number>();
    for (const [index, { env, file: path }] of references.entries()) {
      const field = env === undefined ? 'file' : 'env';
      const other = env === undefined ? takenBy(path, paths) : names.get(env);
      if (other !== undefined) {
        const message = `is ${JSON.stringify(env ?? path)}, which cannot stand beside that of secrets.${other}: choose another`;
        context.addIssue({ code: 'custom', path: [index, field], message });
      }
      if (env !== undefined) {
        names.set(env, names.get(env) ?? index);
      } else if (path !== undefined) {
        paths.set(path, paths.get(path) ?? index);
      }
    }
  });

/** Whose file is the same, or a folder of this one, or lies in this one. */
function takenBy(path: string | undefined, taken: ReadonlyMap<string, number>): number | undefined {
  const clash = [...taken].find(
    ([other]) => other === path || other.startsWith(`${path}/`) || path?.startsWith(`${other}/`),
  );
  return clash?.[1];
}
