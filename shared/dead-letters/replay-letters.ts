/** Sends letters to the Broker again, slowly, each once. */
import type { Broker } from '#shared/clients/broker.ts';
import type { DeadLetterReplay, DeadLetterReplayed } from '#shared/events/dead-letter.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { type FoundLetter, findLetters } from './find-letters.ts';
import type { LetterBox } from './letter-box.ts';
import { isOpen, linkTo, nextReplay } from './place.ts';
import { eventToReplay } from './raw-delivery.ts';
import { replayRefusal } from './replay-refusal.ts';

const SECOND = 1000;
/** At most ten a second: what failed together must not come back together. */
const PAUSE = 100;
/** Below a function's 300 s. What is left over is told as `remaining`. */
export const REPLAY_WITHIN = 240 * SECOND;
/** In one answer, which is an event of at most 1 MiB. */
const TOLD = 1000;

export interface Replaying {
  box: LetterBox;
  broker: Broker;
  now: () => Date;
  sleep: (milliseconds: number) => Promise<unknown>;
}

/**
 * Sent first, then marked as replayed: a crash between the two sends the event once more at the next order, under the same source and id, which
 * handlers expect; marked first it would be lost. A letter that was replayed and has not come back is passed over, so an order that is delivered
 * twice goes on where the first one ended. Rejects with RetryableError where S3 or the Broker is away; what was sent until then is marked.
 */
export async function replayLetters(
  { force, max, dry_run, ...selector }: DeadLetterReplay,
  deps: Replaying,
): Promise<DeadLetterReplayed> {
  const { box, now, sleep } = deps;
  const began = now().getTime();
  const result: DeadLetterReplayed = { replayed: 0, refused: [], skipped: 0, remaining: 0, dry_run, ids: [] };
  const refuse = (id: string, why: string) => result.refused.length < TOLD && result.refused.push({ id, why });
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
      // The first at once, the n-th no sooner than n pauses after it.
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

/** Why the Broker does not take it; undefined where it did. */
async function replay({ place, letter }: FoundLetter, { box, broker, now }: Replaying): Promise<string | undefined> {
  const n = nextReplay(place);
  try {
    await broker.publish(eventToReplay(letter, linkTo(place), n));
  } catch (error) {
    if (error instanceof PermanentError) {
      return error.message;
    }
    throw error;
  }
  await box.mark(place, 'replayed', n, now());
  return undefined;
}
