/** Why an event became a dead letter, and whether sending it again helps. */
import type { Explanation, Letter } from '#shared/api/schemas.ts';
import { generalCause, isReason, nextFor, thenReplay } from './advice.ts';
import { firstSentence, otherSentences, since } from './evidence.ts';
import { crashOfLetter } from './explain-crash.ts';
import type { Facts } from './facts.ts';

type Found = Omit<Explanation, 'about'>;

export function explainLetter(facts: Facts): Explanation {
  const [letter] = facts.letters;
  const about = `dead letter ${facts.id ?? ''}`;
  return letter
    ? { about, ...letterCause(letter, facts) }
    : {
        about,
        healthy: false,
        reason: 'NoSuchResource',
        cause: 'there is no such letter: it was purged, is older than letters are kept, or is not yours',
        evidence: [{ kind: 'time', text: `looked for at ${facts.now.toISOString()}` }],
        next: { say: 'The list shows which there are', command: 'kn-lambda dead-letters list' },
      };
}

/** Of the newest one; undefined where there is none. */
export function explainLetters(letters: Letter[], facts: Facts): Found | undefined {
  const open = letters.find(({ state }) => state === 'open');
  return open && letterCause(open, facts);
}

export function letterCause(letter: Letter, { now, subject = '' }: Pick<Facts, 'now' | 'subject'>): Found {
  const { reason, advice, id, category, type, state } = letter;
  const general = isReason(reason) ? generalCause(reason) : reason;
  const what = category === 'permanent' ? 'was refused' : 'could not be delivered';
  const told = advice === undefined ? general : firstSentence(advice);
  const evidence = [
    { kind: 'event' as const, text: `${type} ${what}: ${reason}`, where: `dead letter ${id}` },
    since(letter.time, now, 'it came'),
  ];
  const show = `kn-lambda dead-letters show ${id}`;
  if (state !== 'open') {
    return {
      healthy: true,
      reason,
      cause: `${type} ${what} (${told}), was sent again, and has not come back since`,
      evidence,
      next: { say: 'There is nothing to do; the dead letter tells its replays', command: show },
    };
  }
  if (letter.crash) {
    const found = crashOfLetter(letter.crash, id, { now, subject });
    return { ...found, evidence: [...found.evidence, ...evidence] };
  }
  const say = advice && otherSentences(advice)?.replaceAll(/`npm run dead-letters -- replay`/g, 'a replay');
  const next = isReason(reason)
    ? nextFor(reason, { subject, letter: id }, say)
    : { say: say ?? 'See the whole dead letter', command: show };
  return {
    healthy: false,
    reason,
    cause: `${type} ${what}: ${told}`,
    evidence,
    next: category === 'transient' ? thenReplay(say ?? next.say, id) : next,
  };
}
