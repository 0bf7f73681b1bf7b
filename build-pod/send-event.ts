/** Sends one event to the Broker, with retries until time runs out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudEvent } from 'cloudevents';
import { createBroker } from '#shared/clients/broker.ts';
import { RetryableError } from '#shared/events/errors.ts';

const FIRST_DELAY = 200;
const LONGEST_DELAY = 5_000;
const ANSWER_WITHIN = 5_000;

/**
 * False if the Broker did not take the event before `signal` was aborted. Rejects with PermanentError if it never takes
 * such an event. The delays have full jitter, so that builds that end together do not retry together.
 */
export async function sendEvent(
  brokerUrl: string,
  event: CloudEvent<unknown>,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<boolean> {
  const broker = createBroker({ BROKER_URL: brokerUrl }, ANSWER_WITHIN, signal);
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      await broker.send(event);
      return true;
    } catch (error) {
      if (!(error instanceof RetryableError)) {
        throw error;
      }
      log(error.message);
    }
    const bound = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
    await sleep(Math.random() * bound, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
