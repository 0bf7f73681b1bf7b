/** Waits for what a process does. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function wait(until: () => boolean, seconds = 30): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !until(); ) {
    if (Date.now() > end) {
      throw new Error(`not within ${seconds} s: ${until}`);
    }
    await sleep(20);
  }
}
