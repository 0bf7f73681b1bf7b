/** Environment variables of a function: which names it may have, and the values that a request gives in clear. */
import * as z from 'zod';

/** Names that a request's `env` may not set: they would change how the platform or the language starts the code. */
const RESERVED_ENV = /^(PORT|NODE_OPTIONS|PYTHONPATH|BASH_ENV|K_.*|LD_.*)$/;

export const envName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name of letters, digits and "_", not beginning with a digit')
  .refine((name) => !RESERVED_ENV.test(name), 'is reserved for the platform');

const envValue = z
  .string()
  .max(32_768)
  // No process starts with a NUL in its environment, and half of a surrogate pair arrives as another character.
  .refine(
    (value) => !value.includes('\0') && value.isWellFormed(),
    'must have neither NUL nor half of a surrogate pair',
  );

const MOST_VARIABLES = 1000;

export const env = z
  .custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object of strings',
  )
  // Counted before each is checked: a hundred thousand problems would take long to write.
  .refine((given) => Object.keys(given).length <= MOST_VARIABLES, {
    message: `must have at most ${MOST_VARIABLES} variables`,
    abort: true,
  })
  // zod would drop it silently.
  .refine((given) => !Object.hasOwn(given, '__proto__'), 'must not have __proto__ for a name')
  .pipe(z.record(envName, envValue));
