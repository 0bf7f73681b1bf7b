/** Which function an event is about: its subject says it, else its data. */
import type { ReceivedEvent } from './event.ts';
import { completeIdentity, type Identity, identitySchema } from './identity.ts';
import { type Problem, problemsOf } from './problem.ts';

export type Route = { identity: Identity } | { problems: Problem[] };

export function routeOf(event: ReceivedEvent<unknown>): Route {
  const bySubject = identityOfSubject(event.subject);
  if (bySubject) {
    return { identity: bySubject };
  }
  const data = typeof event.data === 'object' && event.data !== null && !Array.isArray(event.data) ? event.data : {};
  const completed = completeIdentity(data, event);
  const identity = identitySchema.safeParse(completed.data);
  const problems = [...completed.problems, ...(identity.success ? [] : problemsOf(identity.error, 'data'))];
  if (identity.success && problems.length === 0) {
    return { identity: identity.data };
  }
  const message = 'must be {third_party_id}/{parser_id}, or data must have both ids, so that the function can be found';
  return { problems: [...problems, { path: 'subject', message }] };
}

/** The data is the user's own, so where the subject names a function, ids in the data mean something else. */
function identityOfSubject(subject: string | undefined): Identity | undefined {
  const [third_party_id, parser_id, ...rest] = subject?.split('/') ?? [];
  return rest.length === 0 ? identitySchema.safeParse({ third_party_id, parser_id }).data : undefined;
}
