/** One kind of input that anybody may send, and what must hold of it. */
import type { IAsyncProperty } from 'fast-check';
import { SECOND } from '#shared/durations.ts';

export interface Area {
  name: string;
  /** Per cent of all inputs of a run. */
  share: number;
  /** Is called once for many inputs. */
  start(): Promise<{ property: IAsyncProperty<[unknown]>; close(): Promise<void> }>;
}

/**
 * No input may keep a function from its other events for longer than a second. The CPU time of this thread counts, not
 * the time that passes, so that a busy machine does not fail a test.
 */
export async function quick<Result>(run: () => Result | Promise<Result>): Promise<Result> {
  const before = process.threadCpuUsage();
  const result = await run();
  const { user, system } = process.threadCpuUsage(before);
  const spent = (user + system) / SECOND;
  slowest = Math.max(slowest, spent);
  if (spent > SECOND) {
    throw new Error(`took ${Math.round(spent)} ms of computing; at most ${SECOND} are right`);
  }
  return result;
}

let slowest = 0;

/** Milliseconds of the slowest input so far. */
export function slowestInput(): number {
  return slowest;
}
