/** Runs its seeds one after the other, in a thread of its own, because a run replaces the clock of its thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { run } from './run.ts';

const { first, step, last } = workerData as { first: number; step: number; last: number };

for (let seed = first; seed <= last; seed += step) {
  const { violations, faults, events, builds } = await run({ seed });
  parentPort?.postMessage({ seed, violations, faults: faults.length, events, builds });
}
