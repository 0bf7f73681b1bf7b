/**
 * dead-letter: keeps refused and undelivered events in S3, so that a person can repair the cause. Resends events whose
 * delivery was cut off.
 */
import type { Broker, RawEvent } from '#shared/clients/broker.ts';
import { classifyDelivery } from '#shared/dead-letters/classify-delivery.ts';
import type { DeadLetter } from '#shared/dead-letters/letter.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { Claims } from '#shared/events/signature.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { crashOfCall, explainCrash } from './crash-of-call.ts';
import type { DeadLetterDependencies } from './dependencies.ts';
import { keepLetter } from './keep-letter.ts';
import { explain, refusalOf, undeliveredOf } from './letter.ts';
import { eventToResend, MAX_REDELIVERIES, redeliveriesOf } from './resend.ts';

/**
 * Never rejects an event: event.rejected would be delivered to this function again. Where S3 or the Broker is down it
 * answers 503, and the letter waits in RabbitMQ: its Trigger retries for a week
 * (eventing/base/functions/triggers/dead-letter.yaml).
 */
export async function handleDeadLetter(
  event: ReceivedEvent<unknown>,
  deps: DeadLetterDependencies,
  { log, request, claims }: Pick<HandlerContext, 'log' | 'request' | 'claims'>,
): Promise<undefined> {
  const now = deps.now();
  const destination = text(event.original['knativeerrordest']);
  const hasArrived = destination !== undefined && isOurs(destination);
  const refusal = destination === undefined || hasArrived ? refusalOf(event, now) : undefined;
  if (refusal) {
    await keepLetter({ ...refusal, ...signedFor(refusal, claims) }, event, deps);
    return;
  }

  const code = codeOf(event);
  // The Broker delivers an event to all its subscribers again. That is not justified by a subscriber that does not
  // exist.
  // An event.rejected comes straight from the Broker as well, with the address that its sender wrote. Any other event
  // comes from a dispatcher, which has overwritten it.
  const isAsked = code === -1 && destination !== undefined && !hasArrived && event.type !== 'event.rejected';
  const isListening = isAsked && (await deps.listens(destination));
  const redeliveries = redeliveriesOf(request);
  // Where the failed delivery was to this very function, the event has arrived now: resending it would never end.
  const resent = isListening && redeliveries < MAX_REDELIVERIES ? eventToResend(request) : undefined;
  if (resent && (await wasTaken(resent, deps.broker, claims))) {
    log.info({ reason: 'DispatcherStopped', destination, redeliveries: redeliveries + 1 }, 'sent to the Broker again');
    return;
  }
  const failure = classifyDelivery(code, isListening || hasArrived);
  const crash = await crashOfCall(event, deps);
  const message = crash ? explainCrash(crash) : explain(failure.reason, destination, redeliveries);
  const undelivered = { ...failure, message, destination, code, redeliveries, crash };
  const letter = undeliveredOf(event, request, undelivered, now);
  await keepLetter({ ...letter, ...signedFor(letter, claims) }, event, deps);
}

/**
 * A refusal is signed by the function that refused. It tells nothing of the event in it where that had no signature of
 * its own.
 */
function signedFor({ reason }: DeadLetter, claims: Claims | undefined): Pick<DeadLetter, 'signed'> {
  return claims && reason !== 'Unauthenticated' ? { signed: { tenant: claims.tenant, hops: claims.hops } } : {};
}

/** False where the Broker refuses such an event. After a crash the event is sent twice, with the same source and id. */
async function wasTaken(event: RawEvent, broker: Pick<Broker, 'publish'>, claims?: Claims): Promise<boolean> {
  try {
    await broker.publish(event, claims);
    return true;
  } catch (error) {
    if (error instanceof PermanentError) {
      return false;
    }
    throw error;
  }
}

function isOurs(destination: string): boolean {
  return URL.canParse(destination) && new URL(destination).hostname.split('.')[0] === 'dead-letter';
}

/** Undefined where the dispatcher has given no number. */
function codeOf(event: ReceivedEvent<unknown>): number | undefined {
  const given = event.original['knativeerrorcode'];
  const code = Number(given);
  return given === undefined || given === '' || Number.isNaN(code) ? undefined : code;
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
