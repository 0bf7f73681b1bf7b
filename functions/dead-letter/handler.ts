/** dead-letter: keeps, in S3, what a function refused and what could not be delivered, so that a person can see and mend it; sends again what no subscriber answered. */
import type { Logger } from 'pino';
import type { Broker, RawEvent } from '#shared/clients/broker.ts';
import { classifyDelivery } from '#shared/dead-letters/classify-delivery.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { ReceivedEvent } from '#shared/events/event.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import type { DeadLetterDependencies } from './dependencies.ts';
import { keepLetter } from './keep-letter.ts';
import { explain, refusalOf, undeliveredOf } from './letter.ts';
import { eventToResend, MAX_REDELIVERIES, redeliveriesOf } from './resend.ts';

interface Context {
  log: Logger;
  request: FunctionRequest;
}

/**
 * Never refuses and never replies: what it refused would come back to it. Where S3 or the Broker is away it answers 503, and the letter waits in
 * RabbitMQ: its Trigger tries for a week (eventing/base/functions/triggers/dead-letter.yaml).
 */
export async function handleDeadLetter(
  event: ReceivedEvent<unknown>,
  deps: DeadLetterDependencies,
  { log, request }: Context,
): Promise<undefined> {
  const now = deps.now();
  const destination = text(event.original['knativeerrordest']);
  const hasArrived = destination !== undefined && isOurs(destination);
  const refusal = destination === undefined || hasArrived ? refusalOf(event, now) : undefined;
  if (refusal) {
    await keepLetter(refusal, event, deps);
    return;
  }

  const code = codeOf(event);
  // Sending to the Broker means sending to everybody: not for the sake of one who is not even there.
  const listens = code === -1 && destination !== undefined && !hasArrived && (await deps.listens(destination));
  const redeliveries = redeliveriesOf(request);
  // What failed at this very function is here now; sending it again could go round for ever.
  const again = listens && redeliveries < MAX_REDELIVERIES ? eventToResend(request) : undefined;
  if (again && (await isTaken(again, deps.broker))) {
    log.info({ reason: 'DispatcherStopped', destination, redeliveries: redeliveries + 1 }, 'sent to the Broker again');
    return;
  }
  const failure = classifyDelivery(code, listens || hasArrived);
  const message = explain(failure.reason, destination, redeliveries);
  const letter = undeliveredOf(event, request, { ...failure, message, destination, code, redeliveries }, now);
  await keepLetter(letter, event, deps);
}

/** A crash, or an answer that is lost, after it: sent twice, under the same source and id. What the Broker never takes is kept. */
async function isTaken(event: RawEvent, broker: Broker): Promise<boolean> {
  try {
    await broker.publish(event);
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

/** What is no number is no answer of anybody's. */
function codeOf(event: ReceivedEvent<unknown>): number | undefined {
  const told = event.original['knativeerrorcode'];
  const code = Number(told);
  return told === undefined || told === '' || Number.isNaN(code) ? undefined : code;
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
