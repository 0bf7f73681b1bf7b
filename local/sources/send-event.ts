/**
 * A source's event to its sink: 5 retries after 100, 200, 400, 800 and 1600 ms, then it is lost, as with every adapter
 * of Eventing.
 */
import { randomUUID } from 'node:crypto';
import type { Address } from '#local/broker/address.ts';
import type { BrokerEvent } from '#local/broker/broker-event.ts';
import { postEvent } from '#local/broker/post-event.ts';
import type { Sleep } from '#local/broker/with-retries.ts';

const RETRIES = 5;
const PERIOD = 50;
/** What the CloudEvents Go SDK holds for worth a retry; a 500 is not among them. */
const RETRYABLE = new Set([-1, 404, 413, 425, 429, 502, 503, 504]);

export interface Sending {
  signal: AbortSignal;
  sleep: Sleep;
  log: (line: string) => void;
}

/** Adds specversion and a random id. False where the event is lost. */
export async function sendEvent(
  sink: Address,
  attributes: Record<string, string>,
  data: Buffer,
  { signal, sleep, log }: Sending,
): Promise<boolean> {
  const event: BrokerEvent = { attributes: { specversion: '1.0', id: randomUUID(), ...attributes }, data };
  for (let retry = 1; !signal.aborted; retry++) {
    const { status } = await postEvent(sink, event, {}, { timeout: 0, signal });
    if (status >= 200 && status < 300) {
      return true;
    }
    if (signal.aborted || !RETRYABLE.has(status) || retry > RETRIES) {
      break;
    }
    await sleep(PERIOD * 2 ** retry, signal).catch(() => {});
  }
  if (!signal.aborted) {
    log(`lost: ${attributes['type']} of ${attributes['source']}, which ${sink.url} did not take`);
  }
  return false;
}
