/** A request that is answered with a 4xx, because no event is in it. */
import type { Problem } from '#shared/events/problem.ts';

/** Thrown for what is no CloudEvent, or not addressed to one: only somebody who calls the function directly can send it. */
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
