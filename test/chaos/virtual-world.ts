/**
 * Replaces the clock, the timers and the random numbers that our code takes from Node by those of a simulation, while
 * it runs.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import type { Simulation } from './simulation.ts';

const RealDate = Date;
const real = { uuid: crypto.randomUUID, integer: crypto.randomInt, sleep: timers.setTimeout };

/**
 * At most one at a time in a thread. Imports of Node's own modules are live, so code that is already loaded gets the
 * replacements as well.
 */
export async function inVirtualWorld<Result>(simulation: Simulation, run: () => Promise<Result>): Promise<Result> {
  class VirtualDate extends RealDate {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [simulation.now] : given) as [number]));
    }

    static override now(): number {
      return simulation.now;
    }
  }
  let made = 0;
  globalThis.Date = VirtualDate as DateConstructor;
  crypto.randomUUID = () => {
    const digits = (++made).toString(16).padStart(12, '0');
    return `00000000-0000-4000-8000-${digits}`;
  };
  crypto.randomInt = ((limit: number) => ++made % limit) as typeof crypto.randomInt;
  timers.setTimeout = (async (milliseconds: number, value: unknown, options?: { signal?: AbortSignal }) => {
    options?.signal?.throwIfAborted();
    await simulation.sleep(milliseconds);
    return value;
  }) as typeof timers.setTimeout;
  syncBuiltinESMExports();
  try {
    return await run();
  } finally {
    globalThis.Date = RealDate;
    crypto.randomUUID = real.uuid;
    crypto.randomInt = real.integer;
    timers.setTimeout = real.sleep;
    syncBuiltinESMExports();
  }
}
