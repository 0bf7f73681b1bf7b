/** The error for a request that contains no event: it is answered with a 4xx. */
import type { Problem } from '#shared/events/problem.ts';

/** Thrown if a request is no CloudEvent, or has another path or method. Only direct callers send such requests. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly statusCode: 400 | 404 | 405 | 413 | 415;
  readonly problems: Problem[];

  constructor(statusCode: 400 | 404 | 405 | 413 | 415, message: string, problems: Problem[]) {
    super(message);
    this.statusCode = statusCode;
    this.problems = problems;
  }
}
