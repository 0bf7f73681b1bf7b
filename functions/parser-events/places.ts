/**
 * Who may call how much at once. A function that hangs holds what it is called with, so no function and no tenant gets
 * all places of a lane.
 */
import type { Identity } from '#shared/events/identity.ts';
import { within } from '#shared/within.ts';

/** The queue that a call came through. */
export type CallLane = 'main' | 'overflow' | 'own';

export interface PlaceSettings {
  /** Calls of one tenant at once, in each shared lane. */
  perTenant: number;
}

export interface Places {
  /** Undefined where there is no place. Otherwise it must be called once, when the call is over. */
  take(lane: CallLane, identity: Identity, perFunction: number): (() => void) | undefined;
  /** As `take`, but waits for so long, in the order of arrival. */
  wait(
    lane: CallLane,
    identity: Identity,
    perFunction: number,
    milliseconds: number,
  ): Promise<(() => void) | undefined>;
}

interface Waiting {
  identity: Identity;
  perFunction: number;
  admit: (leave: () => void) => void;
}

export function createPlaces({ perTenant }: PlaceSettings): Places {
  const lanes: Record<CallLane, { held: Map<string, number>; waiting: Set<Waiting> }> = {
    main: { held: new Map(), waiting: new Set() },
    overflow: { held: new Map(), waiting: new Set() },
    own: { held: new Map(), waiting: new Set() },
  };

  function take(lane: CallLane, identity: Identity, perFunction: number): (() => void) | undefined {
    const { held, waiting } = lanes[lane];
    const byFunction = `${identity.third_party_id}/${identity.parser_id}`;
    const byTenant = identity.third_party_id;
    // A function with a queue of its own holds up nobody else's, and its dispatcher bounds it.
    const tenantBound = lane === 'own' ? Number.POSITIVE_INFINITY : perTenant;
    if ((held.get(byFunction) ?? 0) >= perFunction || (held.get(byTenant) ?? 0) >= tenantBound) {
      return undefined;
    }
    add(held, byFunction, 1);
    add(held, byTenant, 1);
    let left = false;
    return () => {
      if (left) {
        return;
      }
      left = true;
      add(held, byFunction, -1);
      add(held, byTenant, -1);
      admitFirst(lane, waiting);
    };
  }

  function admitFirst(lane: CallLane, waiting: Set<Waiting>): void {
    for (const one of waiting) {
      const leave = take(lane, one.identity, one.perFunction);
      if (leave) {
        waiting.delete(one);
        one.admit(leave);
        return;
      }
    }
  }

  async function wait(lane: CallLane, identity: Identity, perFunction: number, milliseconds: number) {
    const free = take(lane, identity, perFunction);
    if (free) {
      return free;
    }
    const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>();
    const one: Waiting = { identity, perFunction, admit: resolve };
    const { waiting } = lanes[lane];
    waiting.add(one);
    await within(milliseconds, promise, undefined);
    waiting.delete(one);
    // It may have been admitted as the time ended: then the place is taken, and must be left.
    resolve(undefined);
    return await promise;
  }

  return { take, wait };
}

/** Without entries of 0, so that the map does not grow with the tenants. */
function add(held: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (held.get(key) ?? 0) + change;
  if (count > 0) {
    held.set(key, count);
  } else {
    held.delete(key);
  }
}
