/** dead-letter: keeps, in S3, what a function refused and what could not be delivered, so that a person can see and mend it; sends again what no subscriber answered. */
import type { Logger } from 'pino';
import type { Broker, RawEvent } from '#shared/clients/broker.ts';
import type { Listens } from '#shared/clients/listens.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import { deriveId, type ReceivedEvent } from '#shared/events/event.ts';
import type { FunctionRequest } from '#shared/function/request.ts';
import { classifyDelivery } from './classify-delivery.ts';
import { type DeadLetter, explain, explainWaiting, keyOf, refusalOf, undeliveredOf } from './letter.ts';
import { eventToResend, MAX_REDELIVERIES, redeliveriesOf } from './resend.ts';

export interface DeadLetterDependencies {
  store: Pick<ObjectStore, 'write' | 'remove'>;
  broker: Broker;
  listens: Listens;
  temporaryBucket: string;
  now: () => Date;
}

interface Context {
  log: Logger;
  request: FunctionRequest;
}

/** Never refuses and never replies: what it refused would come back to it. */
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
    return await keep(refusal, event, deps);
  }

  const code = codeOf(event);
  // Sending to the Broker means sending to everybody: not for the sake of one who is not even there.
  const listens = code === -1 && destination !== undefined && !hasArrived && (await deps.listens(destination));
  const failure = classifyDelivery(code ?? Number.NaN, listens || hasArrived);
  const redeliveries = redeliveriesOf(request);
  const message = explain(failure.reason, destination, redeliveries);
  const letter = undeliveredOf(event, { ...failure, message, destination, code, redeliveries }, now);
  // What failed at this very function is here now; sending it again could go round for ever.
  const again = listens && redeliveries < MAX_REDELIVERIES ? eventToResend(request) : undefined;
  if (!again) {
    return await keep(letter, event, deps);
  }
  await sendAgain(again, letter, event, deps, log);
  log.info({ reason: letter.reason, destination, redeliveries: redeliveries + 1 }, 'sent to the Broker again');
}

/**
 * The dispatcher of dead letters drops what it cannot deliver within about a minute, and nobody can tell which attempt is its last. So before
 * each "not yet" (503) there is a copy in S3, which goes once the event is sent:
 *
 *     POST ── taken ─────────── remove the copy ── 202      a crash before 202: sent twice, under the same source and id
 *       └──── not, or unknown ─ keep a copy ────── 503      a crash before 503: the same again
 *
 * The copy has a name of its own: the letter that stays at the limit, or one about another failure, is never removed.
 */
async function sendAgain(
  again: RawEvent,
  letter: DeadLetter,
  event: ReceivedEvent<unknown>,
  deps: DeadLetterDependencies,
  log: Logger,
): Promise<void> {
  const copy = { ...letter, id: deriveId(letter.id, 'waiting') };
  try {
    await deps.broker.publish(again);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    await keep({ ...copy, message: explainWaiting(problem) }, event, deps);
    throw error;
  }
  // A copy too many does no harm: the event it holds may be sent twice.
  await deps.store
    .remove(deps.temporaryBucket, [keyOf(copy, event, deps.now())])
    .catch((error: unknown) => log.warn({ err: error }, 'a copy of what was sent again may be left in S3'));
}

/** Where S3 refuses us for good the letter must still not count as taken: it comes again, while somebody reads the log. */
async function keep(
  letter: DeadLetter,
  event: ReceivedEvent<unknown>,
  deps: DeadLetterDependencies,
): Promise<undefined> {
  const key = keyOf(letter, event, deps.now());
  const body = `${JSON.stringify(letter, undefined, 2)}\n`;
  try {
    await deps.store.write(deps.temporaryBucket, key, body, 'application/json');
  } catch (error) {
    throw error instanceof PermanentError ? new RetryableError(error.reason, error.message, { cause: error }) : error;
  }
}

function isOurs(destination: string): boolean {
  return URL.canParse(destination) && new URL(destination).hostname.split('.')[0] === 'dead-letter';
}

function codeOf(event: ReceivedEvent<unknown>): number | undefined {
  const code = Number(event.original['knativeerrorcode'] ?? Number.NaN);
  return Number.isNaN(code) ? undefined : code;
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
