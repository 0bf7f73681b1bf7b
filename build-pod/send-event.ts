/** Sends one event to the Broker, with retries until time runs out. */
import type { CloudEvent } from 'cloudevents';
import { createBroker } from '#shared/clients/broker.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { retry } from './retry.ts';

const ANSWER_WITHIN = 5_000;

/**
 * False if the Broker did not take the event before `signal` was aborted. Rejects with PermanentError if it never takes
 * such an event.
 */
export async function sendEvent(
  brokerUrl: string,
  event: CloudEvent<unknown>,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<boolean> {
  if (signal.aborted) {
    return false;
  }
  const broker = createBroker({ BROKER_URL: brokerUrl }, ANSWER_WITHIN, signal);
  try {
    await retry(() => broker.send(event), signal, log);
    return true;
  } catch (error) {
    if (error instanceof RetryableError) {
      return false;
    }
    throw error;
  }
}
