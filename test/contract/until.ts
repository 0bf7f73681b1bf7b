/** Waits in a test. Each says how long it takes on a laptop; the platform says how much more patience it needs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { waitUntil } from './wait-until.ts';

export const { patience: PATIENCE, every: EVERY } = inject('platform').pace;

export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seconds = 30,
  story: () => string = () => '',
): Promise<NonNullable<T>> {
  return waitUntil(what, look, { seconds: seconds * PATIENCE, every: EVERY, story });
}

/** Long enough for something unwanted to have happened. */
export async function pause(seconds: number): Promise<void> {
  await sleep(seconds * 1000 * PATIENCE);
}
