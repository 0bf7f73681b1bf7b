/** Runs the seeds that it is given, one after the other, in a thread of its own: the clock that it replaces is the thread's. */
import { parentPort, workerData } from 'node:worker_threads';
import { run } from './run.ts';

const { first, step, last } = workerData as { first: number; step: number; last: number };

for (let seed = first; seed <= last; seed += step) {
  const { violations, faults, events, builds } = await run({ seed });
  parentPort?.postMessage({ seed, violations, faults: faults.length, events, builds });
}
