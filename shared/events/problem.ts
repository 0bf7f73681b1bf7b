/** One thing that is wrong with an event, said so that its sender can mend it. */
import type * as z from 'zod';

export interface Problem {
  /** Where: an attribute name, or a dotted path that begins with `data`. */
  path: string;
  message: string;
}

/** Every issue zod found, with its full path. */
export function problemsOf(error: z.ZodError, root: string): Problem[] {
  return error.issues.map((issue) => ({ path: [root, ...issue.path.map(String)].join('.'), message: issue.message }));
}
