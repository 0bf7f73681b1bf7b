/** After a platform was killed: waits until its guard has ended what it had started, so that no process of it works beside ours. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './is-alive.ts';

/** The guard gives two seconds between SIGTERM and SIGKILL. */
const LONGEST_MS = 5000;
const LOOK_MS = 50;

/** `file`: where the guard's process id stands as long as it is not done. */
export async function awaitFormerEnd(file: string): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  for (let guard = readPid(file); guard !== undefined && isAlive(guard); guard = readPid(file)) {
    if (performance.now() > deadline) {
      return;
    }
    await sleep(LOOK_MS);
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}
