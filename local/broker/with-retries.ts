/**
 * The retries of the CloudEvents Go SDK, which upstream's dispatcher leaves to it (sdk-go v2:
 * protocol/http/protocol_retry.go).
 */
import { backoff, type DeliverySettings, isRetryable } from '#shared/manifests/delivery-settings.ts';
import type { Answer } from './post-event.ts';

/** Resolves after so many milliseconds, or rejects once the signal says so. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<unknown>;

/** The last answer. Cut off while it waits, it gives the answer that made it wait. */
export async function withRetries(
  settings: DeliverySettings,
  sleep: Sleep,
  signal: AbortSignal,
  attempt: (number: number) => Promise<Answer>,
): Promise<Answer> {
  for (let number = 1; ; number++) {
    const answer = await attempt(number);
    if (!isRetryable(answer.status) || number > settings.retries || signal.aborted) {
      return answer;
    }
    await sleep(backoff(settings, number), signal).catch(() => {});
    if (signal.aborted) {
      return answer;
    }
  }
}
