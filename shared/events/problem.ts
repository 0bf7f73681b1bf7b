/** One thing that is wrong with an event, described so that its sender can correct it. */
import type * as z from 'zod';
import { bounded } from '#shared/bounded-text.ts';

export interface Problem {
  /** Where: an attribute name, or a dotted path that begins with `data`. */
  path: string;
  message: string;
}

/** A list without limit could be as long as the event, and make the rejection too long an event itself. */
const MOST = 50;
const PATH_LENGTH = 200;
const MESSAGE_LENGTH = 1000;

/** The first problems, each cut to a readable length. A last one says how many are left out. */
export function boundedProblems(problems: readonly Problem[]): Problem[] {
  const told = problems.slice(0, MOST).map(({ path, message }) => ({
    path: bounded(path, PATH_LENGTH),
    message: bounded(message, MESSAGE_LENGTH),
  }));
  const left = problems.length - told.length;
  return left > 0 ? [...told, { path: '', message: `and ${left} more` }] : told;
}

/** Every issue zod found, with its full path. */
export function problemsOf(error: z.ZodError, root: string): Problem[] {
  return error.issues.map((issue) => ({ path: [root, ...issue.path.map(String)].join('.'), message: issue.message }));
}
