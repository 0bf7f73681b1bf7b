/** Which letters are not replayed, or only by force. */
import type { Reason } from '#shared/events/reasons.ts';
import { attributeOf, type DeadLetter } from './letter.ts';

/** Permanent, but the cause is outside the event, where a person can remove it. */
const MENDABLE = new Set<Reason>(['NotFound', 'Forbidden']);

/** Why the letter is not replayed; undefined where it may be. */
export function replayRefusal(letter: DeadLetter, force: boolean): string | undefined {
  const { reason, category, event, problems = [] } = letter;
  const hasData = event['data'] !== undefined || event['data_base64'] !== undefined;
  const isAboutData = problems.some((problem) => (problem as { path?: unknown } | null)?.path === 'data');
  if (letter.data_dropped || (!letter.raw && !hasData && isAboutData)) {
    return 'its data was longer than what is kept: let its sender send it anew';
  }
  if (force) {
    return undefined;
  }
  if (attributeOf(letter, 'type').startsWith('dead-letter.')) {
    return 'it is itself an order to replay or purge: give that order anew, or force it';
  }
  if (reason === 'Unauthenticated') {
    return 'Unauthenticated: nobody knows who sent it, so it is not signed; let its sender send it to the gateway';
  }
  if (category !== 'permanent' || MENDABLE.has(reason)) {
    return undefined;
  }
  return reason === 'Poison'
    ? 'Poison: it came back from every replay; find out what the subscriber fails on, mend that, then force it'
    : `${reason}: the same event is refused in the same way again; let its sender send a correct one, or force it where the function has changed`;
}
