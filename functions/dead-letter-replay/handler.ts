/** `dead-letter.replay` and `dead-letter.purge`: dead letters go to the Broker again, or away, as a person orders. */
import { purgeLetters } from '#shared/dead-letters/purge-letters.ts';
import { type Replaying, replayLetters } from '#shared/dead-letters/replay-letters.ts';
import type { NewEvent, ReceivedOf } from '#shared/events/event.ts';

export type DeadLetterOrder = ReceivedOf<'dead-letter.replay' | 'dead-letter.purge'>;

/** Replies with what was done; an order that was interrupted, and is delivered again, with what was left to do. */
export async function replayOrPurge(
  order: DeadLetterOrder,
  deps: Replaying,
): Promise<NewEvent<'dead-letter.replayed' | 'dead-letter.purged'>> {
  switch (order.type) {
    case 'dead-letter.replay':
      return { type: 'dead-letter.replayed', data: await replayLetters(order.data, deps) };
    case 'dead-letter.purge':
      return { type: 'dead-letter.purged', data: await purgeLetters(order.data, deps) };
  }
}
