/**
 * What people do during a run: upload, ask for builds, delete. They do it at random moments, several at once, some of
 * it twice.
 */

import { MINUTE, SECOND } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { Simulation } from './simulation.ts';

export type Operation = { at: number } & (
  | { do: 'upload'; identity: Identity; version: number }
  | { do: 'start'; identity: Identity; id: string; data: Record<string, unknown>; timed: boolean; twice: boolean }
  | { do: 'delete'; identity: Identity; id: string }
  /** `parser.start`. */
  | { do: 'call'; identity: Identity; id: string; bySubject: boolean; twice: boolean }
  /** `kubectl delete trigger`, by a person. */
  | { do: 'delete Trigger'; identity: Identity; id: string }
);

/** All of it happens within this time, while things fail. */
const BUSY = 10 * MINUTE;

/** A number between 0 and 1 that depends on the seed and the name alone. */
type Roll = (name: string) => number;

interface Schedule {
  roll: Roll;
  /** Milliseconds in which everything is asked for. */
  span: number;
  /** Whether those who ask later have the higher priority: each of them finds another build first in the line. */
  lateIsUrgent: boolean;
}

/** Depends on the seed alone. */
export function plan(simulation: Simulation): Operation[] {
  const roll = (name: string) => simulation.roll(`plan ${name}`);
  const identities = identitiesOf(roll);
  // Races need builds that are close together.
  const closeSpan = roll('close') < 0.5 ? 20 * SECOND : 2 * SECOND;
  const schedule = { roll, span: roll('span') < 0.5 ? BUSY : closeSpan, lateIsUrgent: roll('urgent') < 0.3 };
  const operations: Operation[] = identities.map((identity) => ({ at: 0, do: 'upload', identity, version: 0 }));
  const count = 3 + Math.floor(roll('count') * 10);
  for (let index = 1; index <= count; index++) {
    const identity = simulation.pick(`plan whose ${index}`, identities);
    operations.push(...operationsOf(index, identity, schedule));
  }
  operations.push(...callsOf(simulation, identities, operations, schedule));
  return operations.sort((a, b) => a.at - b.at);
}

/** Some of them at once, some about when their function is built or deleted, some of a function that never was. */
function callsOf(
  simulation: Simulation,
  identities: Identity[],
  others: Operation[],
  { roll, span }: Schedule,
): Operation[] {
  const moments = others.filter(({ at }) => at > 0);
  return Array.from({ length: Math.floor(roll('calls') * 6) }, (_, index) => index + 1).flatMap((index) => {
    const name = `call-${index}`;
    const near = roll(`near ${name}`) < 0.5 ? simulation.pick(`plan which ${name}`, moments) : undefined;
    const known = near?.identity ?? simulation.pick(`plan whose ${name}`, identities);
    const identity = roll(`unknown ${name}`) < 0.05 ? { ...known, parser_id: 'nobody' } : known;
    // A build takes about a minute, a deletion a second.
    const at = near
      ? near.at + roll(`after ${name}`) ** 2 * (near.do === 'delete' ? 10 * SECOND : 3 * MINUTE)
      : SECOND + roll(`at ${name}`) * (span + 4 * MINUTE);
    const bySubject = roll(`by subject ${name}`) < 0.8;
    const count = roll(`burst ${name}`) < 0.25 ? 5 : 1;
    return Array.from({ length: count }, (_, copy): Operation => {
      const id = count === 1 ? name : `${name}-${copy + 1}`;
      const twice = roll(`twice ${id}`) < 0.1;
      return { at: at + copy * 20, do: 'call', identity, id, bySubject, twice };
    });
  });
}

/** One to three tenants with one to three parsers each. */
function identitiesOf(roll: Roll): Identity[] {
  const identities: Identity[] = [];
  const tenants = 1 + Math.floor(roll('tenants') * 3);
  for (let tenant = 1; tenant <= tenants; tenant++) {
    for (let parser = 1; parser <= 1 + Math.floor(roll(`parsers ${tenant}`) * 3); parser++) {
      identities.push({ third_party_id: `t${tenant}`, parser_id: `t${tenant}p${parser}` });
    }
  }
  return identities;
}

function operationsOf(index: number, identity: Identity, schedule: Schedule): Operation[] {
  const { roll, span } = schedule;
  const chance = roll(`do ${index}`);
  const at = SECOND + roll(`at ${index}`) * span;
  const byHand: Operation[] =
    roll(`by hand ${index}`) < 0.05
      ? [{ at: at + MINUTE, do: 'delete Trigger', identity, id: `by-hand-${index}` }]
      : [];
  if (chance < 0.2) {
    return [...byHand, { at, do: 'upload', identity, version: index }];
  }
  if (chance < 0.35) {
    return [...byHand, ...deletion(index, identity, at, roll)];
  }
  const copies = roll(`together ${index}`) < 0.2 ? 3 : 1;
  const starts = Array.from({ length: copies }, (_, copy) => start(index, copy + 1, identity, at, schedule));
  return [...byHand, ...starts];
}

/** Some ask for the function again as soon as they have deleted it. */
function deletion(index: number, identity: Identity, at: number, roll: Roll): Operation[] {
  const operations: Operation[] = [{ at, do: 'delete', identity, id: `delete-${index}` }];
  if (roll(`anew ${index}`) < 0.4) {
    const moment = at + roll(`moment ${index}`) * 6 * SECOND;
    const data = { ...identity };
    operations.push({ at: moment, do: 'start', identity, id: `anew-${index}`, data, timed: true, twice: false });
  }
  return operations;
}

function parametersOf(index: number, roll: Roll): object {
  const chance = roll(`delivery ${index}`);
  return {
    ...(roll(`env ${index}`) < 0.5 ? { env: { MODE: String(index) } } : {}),
    ...(roll(`small ${index}`) < 0.5 ? { concurrency: 1, scaling: { max: 1 } } : {}),
    ...(roll(`quick ${index}`) < 0.5 ? { timeout_seconds: 20 } : {}),
    ...(chance < 0.8 ? { delivery: chance < 0.4 ? 'own' : 'shared' } : {}),
  };
}

function start(
  index: number,
  copy: number,
  identity: Identity,
  at: number,
  { roll, span, lateIsUrgent }: Schedule,
): Operation {
  const name = `start-${index}-${copy}`;
  const data: Record<string, unknown> = { ...identity };
  if (roll(`force ${name}`) < 0.25) {
    data['force'] = true;
  }
  if (lateIsUrgent) {
    data['priority'] = Math.max(1, 10 - Math.floor((10 * at) / (span + SECOND)));
  } else if (roll(`priority ${name}`) < 0.3) {
    data['priority'] = 1 + Math.floor(roll(`which ${name}`) * 10);
  }
  if (roll(`parameters ${name}`) < 0.5) {
    data['parameters'] = parametersOf(index, roll);
  }
  return {
    at: at + roll(`moment ${name}`) * 2 * SECOND,
    do: 'start',
    identity,
    id: name,
    data,
    timed: roll(`timed ${name}`) < 0.7,
    twice: roll(`twice ${name}`) < 0.1,
  };
}
