/** Hands one event to the broker, again and again while there is time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CloudEvent, HTTP } from 'cloudevents';

const FIRST_DELAY = 200;
const LONGEST_DELAY = 5_000;
const ANSWER_WITHIN = 5_000;

/** False where the broker did not take it before `signal`. Full jitter, so that many builds ending at once do not come back together. */
export async function sendEvent(
  brokerUrl: string,
  event: CloudEvent<unknown>,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<boolean> {
  const { headers, body } = HTTP.binary(event);
  const hop = event['traceparent'] ? { traceparent: String(event['traceparent']) } : {};
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const response = await fetch(brokerUrl, {
        method: 'POST',
        headers: { ...(headers as Record<string, string>), ...hop },
        body: body as string,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)]),
      });
      await response.arrayBuffer();
      if (response.ok) {
        return true;
      }
      log(`the broker answered ${response.status}`);
    } catch (error) {
      log(`the broker cannot be reached: ${(error as Error).message}`);
    }
    const bound = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
    await sleep(Math.random() * bound, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
