/** Makes the letter of an event that was refused, or that could not be delivered. */
import * as z from 'zod';
import type { Crash } from '#shared/api/schemas.ts';
import type { DeliveryFailure } from '#shared/dead-letters/classify-delivery.ts';
import type { DeadLetter } from '#shared/dead-letters/letter.ts';
import { rawDelivery } from '#shared/dead-letters/raw-delivery.ts';
import { deriveId, type ReceivedEvent } from '#shared/events/event.ts';
import { subjectOfAny } from '#shared/events/identity.ts';
import { reasonSchema } from '#shared/events/reasons.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import { MAX_REDELIVERIES } from './resend.ts';

/**
 * One delivery and the retries of the Broker (eventing/base/functions/broker.yaml). A Trigger with a delivery of its
 * own may differ.
 */
export const ATTEMPTS = 6;

// Anybody can send an event.rejected with any data. One that does not fit this schema is kept as an undelivered event.
const rejection = z.object({
  event: z.record(z.string(), z.unknown()),
  reason: reasonSchema,
  problems: z.array(z.unknown()).default([]),
  function: z.string().optional(),
});

/** Undefined where the event is no event.rejected of ours. */
export function refusalOf(event: ReceivedEvent<unknown>, now: Date): DeadLetter | undefined {
  const refused = event.type === 'event.rejected' ? rejection.safeParse(event.data).data : undefined;
  if (!refused) {
    return undefined;
  }
  const { function: name, ...rest } = refused;
  return {
    id: deriveId(event.source, event.id),
    category: 'permanent',
    ...rest,
    ...(name === undefined ? {} : { function: name }),
    attempts: 1,
    ...subjectField(rest.event),
    ...since(now),
  };
}

export interface Undelivered extends DeliveryFailure {
  destination: string | undefined;
  code: number | undefined;
  redeliveries: number;
  message: string;
  crash: Crash | undefined;
}

export function undeliveredOf(
  event: ReceivedEvent<unknown>,
  request: FunctionRequest,
  undelivered: Undelivered,
  now: Date,
): DeadLetter {
  const { destination, code, redeliveries, crash, ...failure } = undelivered;
  const raw = rawDelivery(request);
  const name = destination === undefined ? undefined : serviceAt(destination);
  // A dispatcher that was stopped has not made all its attempts. Where a reply was lost, nobody knows which attempt
  // brought it.
  const isTried = code !== undefined && code >= 0 && failure.reason !== 'ReplyNotDelivered';
  const structured = event.original.toJSON();
  return {
    // The same event can fail at several subscribers: each has a letter of its own.
    id: deriveId(event.source, event.id, destination ?? ''),
    event: structured,
    ...subjectField(structured),
    ...(raw ? { raw } : { data_dropped: true }),
    ...failure,
    ...(crash === undefined ? {} : { crash }),
    ...(code === undefined ? {} : { code }),
    ...(destination === undefined ? {} : { destination }),
    ...(name === undefined ? {} : { function: name }),
    ...(isTried ? { attempts: ATTEMPTS } : {}),
    ...(redeliveries > 0 ? { redeliveries } : {}),
    ...since(now),
  };
}

function subjectField(event: Record<string, unknown>): Pick<DeadLetter, 'subject'> {
  const subject = subjectOfAny(event);
  return subject === undefined ? {} : { subject };
}

function since(now: Date): Pick<DeadLetter, 'count' | 'first_at' | 'last_at'> {
  return { count: 1, first_at: now.toISOString(), last_at: now.toISOString() };
}

/** The name of the Service, where the address is inside the cluster. */
export function serviceAt(destination: string): string | undefined {
  const [name, ...rest] = URL.canParse(destination) ? new URL(destination).hostname.split('.') : [];
  return name !== undefined && rest.slice(1).join('.').startsWith('svc') ? name : undefined;
}

export const SEND_AGAIN = '`npm run dead-letters -- replay` sends it again';

const advice: Record<DeliveryFailure['reason'], string> = {
  DispatcherStopped: `gave no answer: it is not running or cuts connections, or the dispatcher was stopped each time. See \`kubectl get ksvc,triggers,pods\`; then ${SEND_AGAIN}.`,
  NotFound: `answered 404: nothing takes events at this address. Mend the Trigger's subscriber or deploy the function; then ${SEND_AGAIN}.`,
  QueueFull: `never got it: RabbitMQ itself took it out of its queue, which was at its limit, or had delivered it too often. See the queue's policies and \`rabbitmqctl list_queues\`; then ${SEND_AGAIN}.`,
  ReplyNotDelivered: `handled the event, but its reply could not be sent on: the reply is no valid CloudEvent, or the Broker could not be reached. See the subscriber's log and \`kubectl get brokers\`; if the reply is needed, ${SEND_AGAIN}.`,
  Throttled: `answered 429 to every attempt. When there is less to do, or its limits are raised, ${SEND_AGAIN}.`,
  Timeout: `did not answer in time at any attempt. Make it faster or give it more time (parameters.timeout_seconds); then ${SEND_AGAIN}.`,
  Unavailable: `failed at every attempt, or cannot be reached. See its log, mend it; then ${SEND_AGAIN}.`,
};

/** What happened and what to do next, for a person who reads the letter. */
export function explain(
  reason: DeliveryFailure['reason'],
  destination: string | undefined,
  redeliveries: number,
): string {
  const often = redeliveries >= MAX_REDELIVERIES ? 'as often as is done by itself' : 'by itself';
  const before = redeliveries > 0 ? `Sent again ${redeliveries} times, ${often}. ` : '';
  return `${before}${destination ?? 'The subscriber'} ${advice[reason]}`;
}
