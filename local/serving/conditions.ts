/** Status conditions, the way Knative writes them: sorted by type, with the time at which each last changed. */

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** `next` with the transition times of those in `previous` that say the same. */
export function keepTransitionTimes(previous: Condition[] | undefined, next: Condition[], now: Date): Condition[] {
  return next
    .map((condition) => {
      const before = previous?.find((known) => known.type === condition.type);
      const same =
        before?.status === condition.status &&
        before.reason === condition.reason &&
        before.message === condition.message;
      const lastTransitionTime = (same && before.lastTransitionTime) || `${now.toISOString().slice(0, 19)}Z`;
      return { ...condition, lastTransitionTime };
    })
    .sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** The top-level condition of a Knative object: Ready where all the others are, else the first of them that is not. */
export function withReady(conditions: Condition[]): Condition[] {
  const worst = conditions.find(({ status }) => status !== 'True');
  const ready: Condition = worst ? { ...worst, type: 'Ready' } : { type: 'Ready', status: 'True' };
  return [...conditions, ready];
}

/** `problem` is a reason and a message; undefined is True. */
export function condition(type: string, problem?: { reason: string; message: string }): Condition {
  return problem ? { type, status: 'False', ...problem } : { type, status: 'True' };
}

export function conditionOf(object: { [field: string]: unknown } | undefined, type: string): Condition | undefined {
  const status = object?.['status'] as { conditions?: Condition[] } | undefined;
  return status?.conditions?.find((condition) => condition.type === type);
}
