/** Of a build that failed: the cause in its own words, the telling lines of its log, and what mends it. */
import type { Explanation } from '#shared/api/schemas.ts';
import { generalCause, isReason, nextFor } from './advice.ts';
import { type Evidence, firstSentence, fromLog, otherSentences, places } from './evidence.ts';
import type { Facts } from './facts.ts';
import { knownAdvice } from './known-errors.ts';

/** `id`: the build's correlation id. */
export function buildFailure(
  { log, subject = '' }: Facts,
  id: string,
  { reason, message = '' }: { reason: string | undefined; message: string | undefined },
): Omit<Explanation, 'about'> {
  const known = isReason(reason) ? reason : 'BuildFailed';
  const cause = message === '' ? generalCause(known) : firstSentence(message);
  const where = `the build's log (kn-lambda logs ${subject} --build ${id})`;
  return {
    healthy: false,
    reason: reason ?? known,
    cause,
    evidence: unique([...fromLog(log, where), ...places(message)]),
    next: nextFor(known, { subject }, knownAdvice(message) ?? otherSentences(message)),
  };
}

function unique(evidence: Evidence[]): Evidence[] {
  return evidence.filter(
    (one, index) => evidence.findIndex(({ kind, text }) => kind === one.kind && text === one.text) === index,
  );
}
