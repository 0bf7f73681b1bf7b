/** Waits for a fact to become true, and says what it waited for where it does not. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Waiting {
  seconds: number;
  /** Milliseconds between two looks. */
  every: number;
  story?: () => string;
}

export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
  { seconds, every, story = () => '' }: Waiting,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${seconds} s for ${what}\n${story()}`);
    }
    await sleep(every);
  }
}
