/** What the API refuses. */
import type { Problem } from '#shared/events/problem.ts';
import { RequestProblem } from '#shared/runtime/failure-answer.ts';

/** The same for what is another's and what never was: nobody learns which of them it is. */
export function noSuchResource(): RequestProblem {
  const detail =
    'there is nothing of this name, or nothing that you may see: GET /api/v1/functions lists what there is';
  return new RequestProblem({ status: 404, reason: 'NoSuchResource', detail });
}

export function invalidRequest(problems: Problem[]): RequestProblem {
  const detail = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  return new RequestProblem({ status: 400, reason: 'InvalidRequest', detail, problems });
}
