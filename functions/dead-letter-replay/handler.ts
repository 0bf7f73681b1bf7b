/** `dead-letter.replay` and `dead-letter.purge`: sends dead letters to the Broker again, or deletes them. */
import { purgeLetters } from '#shared/dead-letters/purge-letters.ts';
import { replayLetters } from '#shared/dead-letters/replay-letters.ts';
import type { NewEvent, ReceivedOf } from '#shared/events/event.ts';
import type { DeadLetterReplayDependencies } from './dependencies.ts';

export type DeadLetterOrder = ReceivedOf<'dead-letter.replay' | 'dead-letter.purge'>;

/** Replies what was done. If an order is interrupted and delivered again, replies what was left to do. */
export async function replayOrPurge(
  order: DeadLetterOrder,
  deps: DeadLetterReplayDependencies,
): Promise<NewEvent<'dead-letter.replayed' | 'dead-letter.purged'>> {
  switch (order.type) {
    case 'dead-letter.replay':
      return { type: 'dead-letter.replayed', data: await replayLetters(order.data, deps) };
    case 'dead-letter.purge':
      return { type: 'dead-letter.purged', data: await purgeLetters(order.data, deps) };
  }
}
