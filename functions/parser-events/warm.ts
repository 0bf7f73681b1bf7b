/**
 * Whether a call may have waited for a pod to start. Nobody tells the door how many pods there are, so it goes by what
 * it has seen itself: Knative takes the last pod of a revision away after a minute without calls.
 */
import { MINUTE } from '#shared/durations.ts';
import { remember } from '#shared/remember.ts';

const STAYS_WARM = MINUTE;
const MOST_KNOWN = 10_000;

/** When this process last had an answer of a revision. */
export type Answered = Map<string, number>;

/** Also true at the first call that this process makes, whatever others have made before. */
export function isCold(answered: Answered, revision: string, now: Date): boolean {
  return now.getTime() - (answered.get(revision) ?? Number.NEGATIVE_INFINITY) > STAYS_WARM;
}

export function noteAnswer(answered: Answered, revision: string, now: Date): void {
  remember(answered, revision, now.getTime(), MOST_KNOWN);
}
