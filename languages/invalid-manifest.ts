/** The refusal of a manifest, with the place that is wrong. */

import { bounded } from '#shared/bounded-text.ts';
import { PermanentError } from '#shared/events/errors.ts';

/** Below what build.complete tells, so that the advice behind it is told as well. */
const PROBLEM_LENGTH = 2000;

export function invalidManifest(
  file: string,
  place: { line: number; column?: number | undefined } | undefined,
  problem: string,
  cause?: unknown,
): PermanentError {
  const where = place === undefined ? '' : `:${place.line}${place.column === undefined ? '' : `:${place.column}`}`;
  return new PermanentError(
    'InvalidManifest',
    `${file}${where} ${bounded(problem, PROBLEM_LENGTH)}, then send build.start again`,
    { cause },
  );
}

/** 1-based line and column of an offset. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
