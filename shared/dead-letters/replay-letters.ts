/** Replays letters: sends their events to the Broker again, each once, at a limited rate. */
import type { Broker } from '#shared/clients/broker.ts';
import { SECOND } from '#shared/durations.ts';
import type { DeadLetterReplay, DeadLetterReplayed } from '#shared/events/dead-letter.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { type FoundLetter, findLetters } from './find-letters.ts';
import type { LetterBox } from './letter-box.ts';
import { isOpen, linkTo, nextReplay } from './place.ts';
import { eventToReplay } from './raw-delivery.ts';
import { replayRefusal } from './replay-refusal.ts';

/** At most ten a second: events that have overloaded a subscriber must not do so again. */
const PAUSE = 100;
/** Less than a function's time-out of 300 s. Letters that are left over are counted as `remaining`. */
export const REPLAY_WITHIN = 240 * SECOND;
/** Refusals in one reply, which is an event of at most 1 MiB. */
const MAX_REFUSALS = 1000;

export interface Replaying {
  box: Pick<LetterBox, 'places' | 'read' | 'mark'>;
  broker: Pick<Broker, 'publish'>;
  now: () => Date;
  sleep: (milliseconds: number) => Promise<unknown>;
}

/**
 * Sends each event first, then marks its letter as replayed. After a crash in between the next order sends the event
 * once more, with the same source and id, which handlers expect. In the other order the event would be lost. Letters
 * that were replayed and have not failed since are skipped, so an order that is delivered twice goes on where the first
 * delivery ended. Throws RetryableError where S3 or the Broker is down; letters whose events were sent before are
 * marked.
 */
export async function replayLetters(
  { force, max, dry_run, ...selector }: DeadLetterReplay,
  deps: Replaying,
): Promise<DeadLetterReplayed> {
  const { box, now, sleep } = deps;
  const began = now().getTime();
  const result: DeadLetterReplayed = { replayed: 0, refused: [], skipped: 0, remaining: 0, dry_run, ids: [] };
  const refuse = (id: string, why: string) => result.refused.length < MAX_REFUSALS && result.refused.push({ id, why });
  const missing = new Set(selector.ids);
  for await (const found of findLetters(box, selector, now())) {
    const { id } = found.place;
    missing.delete(id);
    const why = replayRefusal(found.letter, force);
    if (!isOpen(found.place)) {
      result.skipped += 1;
    } else if (why !== undefined) {
      refuse(id, why);
    } else if (result.ids.length >= max) {
      result.remaining += 1;
    } else if (now().getTime() - began > REPLAY_WITHIN) {
      result.remaining += 1;
      missing.clear();
      break;
    } else if (dry_run) {
      result.ids.push(id);
    } else {
      // The first is sent at once, each further one at least a pause later.
      await sleep(Math.max(0, began + result.replayed * PAUSE - now().getTime()));
      const problem = await replay(found, deps);
      if (problem === undefined) {
        result.replayed += 1;
        result.ids.push(id);
      } else {
        refuse(id, problem);
      }
    }
  }
  for (const id of missing) {
    refuse(id, 'there is no such letter');
  }
  return result;
}

/** Returns why the Broker refuses the event; undefined where it has accepted it. */
async function replay({ place, letter }: FoundLetter, { box, broker, now }: Replaying): Promise<string | undefined> {
  const n = nextReplay(place);
  try {
    await broker.publish(eventToReplay(letter, linkTo(place), n), letter.signed);
  } catch (error) {
    if (error instanceof PermanentError) {
      return error.message;
    }
    throw error;
  }
  await box.mark(place, 'replayed', n, now());
  return undefined;
}
