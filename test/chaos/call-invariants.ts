/** What must hold of calls when nothing fails any more and everything has settled. */
import type { Identity } from '#shared/events/identity.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { Delivery, SimulatedBroker } from './broker.ts';
import { answerIdOf, type Call, type CallLedger, type Said } from './call-ledger.ts';
import type { Door } from './door.ts';
import { isHostile } from './hostile.ts';
import { TEMPORARY_BUCKET } from './settings.ts';

import type { Violation } from './violation.ts';

interface Settled {
  calls: CallLedger;
  broker: SimulatedBroker;
  store: InMemoryObjectStore;
  door: Door;
  identities: Identity[];
}

export function callViolations({ calls, broker, store, door, identities }: Settled): Violation[] {
  const kept = undeliveredIn(store);
  const deliveries = Map.groupBy(broker.deliveries, ({ message }) => message.headers['ce-id'] ?? '');
  return [
    ...calls.violations,
    ...[...calls.calls.values()].flatMap((call) => {
      const of = (deliveries.get(call.id) ?? []).filter(isOfCall);
      return of.length === 0
        ? []
        : [...outcomeOf(call, of, kept.has(call.id), calls), ...answersOf(call), ...expected(call)];
    }),
    ...door.pods
      .flatMap((pod) => pod.leaks(identities))
      .map((what): Violation => ({ invariant: 'places', what: `a place is still held: ${what}` })),
  ];
}

/** What somebody has made of a call under its id is none of its deliveries. */
function isOfCall({ message }: Delivery): boolean {
  return !isHostile(message) && ['parser.start', 'parser.deliver'].includes(message.headers['ce-type'] ?? '');
}

/** Ids of the events that are kept because nobody took them. */
function undeliveredIn(store: InMemoryObjectStore): Set<string> {
  const letters = store
    .keys(TEMPORARY_BUCKET, 'dead-letters/')
    .map((key) => JSON.parse(store.peek(TEMPORARY_BUCKET, key)?.toString() ?? '{}'));
  return new Set(letters.filter(({ destination }) => destination !== undefined).map(({ event }) => event.id));
}

function outcomeOf(call: Call, deliveries: Delivery[], isKept: boolean, calls: CallLedger): Violation[] {
  const kinds = [
    ...(call.completed.length > 0 ? ['parser.complete'] : []),
    ...[...new Set(call.rejected)].map((reason) => `event.rejected (${reason})`),
    ...(isKept ? ['a dead letter'] : []),
  ];
  if (kinds.length === 0 && !mayBeLost(call, deliveries, calls)) {
    return [{ invariant: 'call', what: `${call.id} of ${call.subject} has no outcome` }];
  }
  return kinds.length > Math.max(1, branches(call, deliveries))
    ? [{ invariant: 'call', what: `${call.id} of ${call.subject} has more than one kind of outcome: ${kinds}` }]
    : [];
}

/**
 * The exceptions to the promise. The Broker itself loses events. A queue goes with its Trigger, and a Trigger with its
 * function, or by a person's hand. The Trigger of an older installation brings its function's own answer.
 */
function mayBeLost(call: Call, deliveries: Delivery[], calls: CallLedger): boolean {
  const lostQueue = call.unrouted > 0 || deliveries.some(({ state }) => state === 'gone with its queue');
  const isDeleted = calls.deletedByHand.has(call.subject);
  return (
    deliveries.some(({ state }) => state === 'lost by the Broker') || (lostQueue && isDeleted) || call.byOlderTrigger
  );
}

/**
 * How many copies of a call were on their way independently of each other. Each may find the function in another state,
 * and the door keeps nothing by which it would know of the others.
 */
function branches({ handedOn, resent }: Call, deliveries: Delivery[]): number {
  const again = deliveries.reduce((sum, delivery) => sum + delivery.again, 0);
  return deliveries.length + again - handedOn - resent.size;
}

function answersOf(call: Call): Violation[] {
  const said = new Set(call.said.map(inWords));
  return call.completed.flatMap(({ headers, body }): Violation[] => {
    const data = JSON.parse(body.toString());
    const names = [headers['ce-id'], headers['ce-subject'], headers['ce-source']].join(' ');
    const right = [answerIdOf(call), call.subject, `knative-lambda/functions/${call.subject}`].join(' ');
    const told = inWords({ succeeded: data.succeeded, error: data.error?.type, result: data.result });
    return [
      ...(names === right ? [] : [`the answer to ${call.id} is called ${names}; it should be ${right}`]),
      ...(said.has(told) ? [] : [`${call.id} was answered ${told}; the function said ${[...said].join(' or ')}`]),
    ].map((what) => ({ invariant: 'answer', what }));
  });
}

function inWords({ succeeded, error, result }: Said): string {
  return `${succeeded ? 'yes' : 'no'} ${error ?? ''} ${JSON.stringify(result ?? null)}`;
}

/** Of a call that was made when nothing failed any more. */
function expected({ id, subject, expected, completed, rejected }: Call): Violation[] {
  if (expected === undefined) {
    return [];
  }
  const became = [...completed.map(() => 'answered'), ...rejected].join(' and ') || 'nothing';
  return became === expected
    ? []
    : [{ invariant: 'call', what: `${id} of ${subject} became ${became}; it should be ${expected}` }];
}
