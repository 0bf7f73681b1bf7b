/** Waits for a fact to become true, and says what it waited for where it does not. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seconds = 30,
  story: () => string = () => '',
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
    await sleep(50);
  }
}
