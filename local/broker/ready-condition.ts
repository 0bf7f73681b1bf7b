/** The top-level condition of a Knative object: Ready where all the others are, else the first of them that is not. */
import type { Condition } from '#local/serving/conditions.ts';

export function withReady(conditions: Condition[]): Condition[] {
  const worst = conditions.find(({ status }) => status !== 'True');
  const ready: Condition = worst ? { ...worst, type: 'Ready' } : { type: 'Ready', status: 'True' };
  return [...conditions, ready];
}

/** `problem` is a reason and a message; undefined is True. */
export function condition(type: string, problem?: { reason: string; message: string }): Condition {
  return problem ? { type, status: 'False', ...problem } : { type, status: 'True' };
}
