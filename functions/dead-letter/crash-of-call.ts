/** Of a call that nobody answered: how the function's process ended in it, as the door has seen it. */
import type { Crash } from '#shared/api/schemas.ts';
import { MINUTE } from '#shared/durations.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import { identityOfAny } from '#shared/events/identity.ts';
import { lastWords, readCrash, whatBroke } from '#shared/history/crashes.ts';
import type { Keeping } from './keep-letter.ts';
import { SEND_AGAIN } from './letter.ts';

/** While its container waits to be started again, the later attempts find no pod at all. */
const OF_THIS_CALL = 15 * MINUTE;

export async function crashOfCall(
  { type, source, subject, data }: ReceivedEvent<unknown>,
  { store, temporaryBucket, now }: Keeping,
): Promise<Crash | undefined> {
  if (type !== 'parser.start' && type !== 'parser.deliver') {
    return undefined;
  }
  const identity = identityOfAny({ source, subject, data });
  const crash = identity && (await readCrash(store, temporaryBucket, identity));
  return crash && now().getTime() - Date.parse(crash.time) < OF_THIS_CALL ? crash : undefined;
}

export function explainCrash(crash: Crash): string {
  const words = lastWords(crash);
  const why = words === '' ? '' : `: ${words}`;
  return `${whatBroke(crash, 'during the call')}${why}. Mend the code and deploy it again; then ${SEND_AGAIN}.`;
}
