/**
 * How long a call was really given. What the door knows of a function may be five seconds old, or already be that of a
 * version that does not serve yet.
 */
import { SECOND } from '#shared/durations.ts';

/** Clocks of the door and of Knative differ by less. In milliseconds. */
const TOLERANCE = 100;

/**
 * Seconds. `known`: before the call, then after it. The time that was applied is over, so it is no longer than the call
 * took. The start of a pod may have come on top.
 */
export function appliedSeconds(known: readonly [number, ...number[]], milliseconds: number): number {
  const passed = known.filter((seconds) => seconds * SECOND <= milliseconds + TOLERANCE);
  return passed.length > 0 ? Math.max(...passed) : known[0];
}

/** For the sentence: where every known time is longer than the call took, somebody has applied another one. */
export function toldSeconds(applied: number, milliseconds: number): number {
  const whole = Math.floor((milliseconds + TOLERANCE) / SECOND);
  return whole >= 1 ? Math.min(applied, whole) : applied;
}
