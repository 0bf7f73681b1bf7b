/** Of a function that has broken a call off: its process ended, or it closed the connection. */
import type { Crash, Explanation } from '#shared/api/schemas.ts';
import { lastWords, whatBroke } from '#shared/history/crashes.ts';
import { thenReplay } from './advice.ts';
import { type Evidence, places, since } from './evidence.ts';
import type { Facts } from './facts.ts';

type Found = Omit<Explanation, 'about'>;

const MOST_LINES = 25;

/** `when`: "during the call", or what else is known of it. */
export function crashCause(
  crash: Pick<Crash, 'time' | 'pod' | 'exit_code' | 'text'>,
  { subject = '', now }: Pick<Facts, 'subject' | 'now'>,
  when: string,
): Found {
  const words = lastWords(crash);
  const isBroken = crash.exit_code === undefined;
  const evidence = isBroken ? [] : endOfLog(crash.text, `the end of its log, of pod ${crash.pod}`);
  return {
    healthy: false,
    reason: 'Unavailable',
    cause: `${whatBroke(crash, when)}${words === '' ? ', and wrote nothing before' : `: ${words}`}`,
    evidence: [...evidence, ...places(crash.text), since(crash.time, now, isBroken ? 'it broke' : 'it ended')],
    next: {
      say: `${advice(crash)}, then deploy again; its log says more as long as its pod is there`,
      command: `kn-lambda logs ${subject}`,
    },
  };
}

/** Of a dead letter: the event waits for a mended function. */
export function crashOfLetter(crash: Crash, letter: string, facts: Pick<Facts, 'subject' | 'now'>): Found {
  const found = crashCause(crash, facts, 'during the call');
  const { say } = thenReplay(`${advice(crash)} and deploy again`, letter);
  return {
    ...found,
    cause: `${found.cause}; it was called six times`,
    next: {
      say: `${say} (kn-lambda dead-letters replay ${letter}); its log says more`,
      command: found.next?.command ?? '',
    },
  };
}

export function endOfLog(text: string | undefined, where: string): Evidence[] {
  const lines = (text ?? '').trim().split('\n').slice(-MOST_LINES);
  return lines.join('') === '' ? [] : [{ kind: 'log', text: lines.join('\n'), where }];
}

function advice({ exit_code, text }: Pick<Crash, 'exit_code' | 'text'>): string {
  if (exit_code === undefined) {
    return 'Let the server answer every request with a status, and close no connection before';
  }
  if (exit_code === 0) {
    return 'A function must not end its own process: take the exit out and return a result or raise an error';
  }
  // Of the kernel, where the container itself was not the one that was killed.
  return exit_code === 137 && text.trim() === ''
    ? 'Killed without a word, it may have taken more memory than its limit: let it take less, or raise parameters.resources.limits.memory'
    : 'Mend what it names';
}
