/** `dead-letter.replay` and `dead-letter.purge`: dead letters go to the Broker again, or away, as a person orders. */
import { purgeLetters } from '#shared/dead-letters/purge-letters.ts';
import { type Replaying, replayLetters } from '#shared/dead-letters/replay-letters.ts';
import type { DeadLetterPurge, DeadLetterReplay } from '#shared/events/dead-letter.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';

export type DeadLetterOrder =
  | (ReceivedEvent<DeadLetterReplay> & { type: 'dead-letter.replay' })
  | (ReceivedEvent<DeadLetterPurge> & { type: 'dead-letter.purge' });

/** Replies with what was done; an order that was interrupted, and is delivered again, with what was left to do. */
export async function replayOrPurge(order: DeadLetterOrder, deps: Replaying): Promise<NewEvent> {
  switch (order.type) {
    case 'dead-letter.replay':
      return { type: 'dead-letter.replayed', data: await replayLetters(order.data, deps) };
    case 'dead-letter.purge':
      return { type: 'dead-letter.purged', data: await purgeLetters(order.data, deps) };
  }
}
