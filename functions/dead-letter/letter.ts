/** What is kept of an event that was refused or not delivered: one object under `dead-letters/`. */
import * as z from 'zod';
import { deriveId, type ReceivedEvent } from '#shared/events/event.ts';
import type { DeliveryFailure } from './classify-delivery.ts';
import { MAX_REDELIVERIES } from './resend.ts';

export interface DeadLetter {
  id: string;
  /** In structured form: the original of a refused event, else the event as it came. */
  event: Record<string, unknown>;
  /** Permanent: sending it again cannot help before somebody changes something. */
  category: 'permanent' | 'transient';
  reason: string;
  /** What happened, and what to do next. */
  message?: string;
  problems?: unknown[];
  /** What the subscriber answered at last; -1 where it answered nothing. */
  code?: number;
  /** The subscriber's address. */
  destination?: string;
  /** How often it was sent again by itself. */
  redeliveries?: number;
  received_at: string;
}

// Anybody can send an event.rejected, so it may be anything; what is not as expected is kept as it came.
const rejection = z.object({
  event: z.record(z.string(), z.unknown()),
  reason: z.string(),
  problems: z.array(z.unknown()).default([]),
});

/** Undefined where the event tells of no refusal. */
export function refusalOf(event: ReceivedEvent<unknown>, now: Date): DeadLetter | undefined {
  const refused = event.type === 'event.rejected' ? rejection.safeParse(event.data).data : undefined;
  return (
    refused && {
      id: deriveId(event.source, event.id),
      category: 'permanent',
      ...refused,
      received_at: now.toISOString(),
    }
  );
}

export interface Undelivered extends DeliveryFailure {
  destination: string | undefined;
  code: number | undefined;
  redeliveries: number;
  message: string;
}

export function undeliveredOf(event: ReceivedEvent<unknown>, undelivered: Undelivered, now: Date): DeadLetter {
  const { destination, code, redeliveries, ...failure } = undelivered;
  return {
    // The same event can fail at several subscribers: each is a letter of its own.
    id: deriveId(event.source, event.id, destination ?? ''),
    event: event.original.toJSON(),
    ...failure,
    ...(code === undefined ? {} : { code }),
    ...(destination === undefined ? {} : { destination }),
    ...(redeliveries > 0 ? { redeliveries } : {}),
    received_at: now.toISOString(),
  };
}

const SEND_AGAIN = 'send `event` to the Broker again, without its extensions knativeerror… and redeliveries';

const advice: Record<DeliveryFailure['reason'], string> = {
  DispatcherStopped: `gave no answer: it is not running or cuts connections, or the dispatcher was stopped each time. See \`kubectl get ksvc,triggers,pods\`, then ${SEND_AGAIN}.`,
  NotFound: `answered 404: nothing takes events at this address. Mend the Trigger's subscriber or deploy the function, then ${SEND_AGAIN}.`,
  ReplyNotDelivered: `handled the event, but its reply could not be sent on: the reply is no valid CloudEvent, or the Broker could not be reached. See the subscriber's log and \`kubectl get brokers\`; if the reply is needed, ${SEND_AGAIN}.`,
  Throttled: `answered 429 to every attempt. When there is less to do, or its limits are raised, ${SEND_AGAIN}.`,
  Timeout: `did not answer in time at any attempt. Make it faster or give it more time (parameters.timeout_seconds), then ${SEND_AGAIN}.`,
  Unavailable: `failed at every attempt, or cannot be reached. See its log, mend it, then ${SEND_AGAIN}.`,
};

/** For a person who looks at the letter. */
export function explain(
  reason: DeliveryFailure['reason'],
  destination: string | undefined,
  redeliveries: number,
): string {
  const often = redeliveries >= MAX_REDELIVERIES ? 'as often as is done by itself' : 'by itself';
  const before = redeliveries > 0 ? `Sent again ${redeliveries} times, ${often}. ` : '';
  return `${before}${destination ?? 'The subscriber'} ${advice[reason]}`;
}

/** For one that the Broker did not take: it goes on being tried, and this copy is removed when it is sent. */
export function explainWaiting(problem: string): string {
  return `To be sent again by itself, but ${problem}. It is tried for about a minute more, and this letter goes when that succeeds; else ${SEND_AGAIN}.`;
}

/** By the event's own time where it tells one, so that a redelivery after midnight finds the same object. */
export function keyOf({ id }: DeadLetter, event: ReceivedEvent<unknown>, now: Date): string {
  const told = new Date(event.time ?? Number.NaN);
  // Brokers say year 1 where the sender said nothing.
  const usable = told.getUTCFullYear() >= 2000 && told <= now;
  return `dead-letters/${(usable ? told : now).toISOString().slice(0, 10)}/${id}.json`;
}
