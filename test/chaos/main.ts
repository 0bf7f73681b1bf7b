/**
 * `make chaos RUNS=10000 SEED=1`: runs that many seeds. Where one fails, it is made as small as possible and shown, and
 * the exit code is 1.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

import { run } from './run.ts';
import { shrink } from './shrink.ts';
import { INVARIANTS, type Violation } from './violation.ts';

interface Outcome {
  seed: number;
  violations: Violation[];
  faults: number;
  events: number;
  builds: number;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    /** Seconds that may be spent on making a failing run small. */
    shrink: { type: 'string', default: '60' },
    trace: { type: 'boolean', default: false },
    /** Prints the invariants that failed as JSON, and shrinks nothing. */
    json: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const first = Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(first) || first < 0) {
  console.error(`RUNS and SEED are whole numbers, as in: make chaos RUNS=10000 SEED=1`);
  process.exit(2);
}
if (values.trace) {
  const { violations } = await run({ seed: first, trace: console.log });
  show(violations);
  process.exit(violations.length > 0 ? 1 : 0);
}

const began = performance.now();
const totals = { done: 0, faults: 0, events: 0, builds: 0 };
const failed = await firstFailure();
const seconds = (performance.now() - began) / 1000;
if (values.json) {
  console.log(JSON.stringify({ runs: totals.done, seed: failed?.seed, violations: failed?.violations ?? [] }));
  process.exit(failed ? 1 : 0);
}
const { done, faults, events, builds } = totals;
console.log(
  `${done} runs in ${seconds.toFixed(1)} s (${(done / seconds).toFixed(1)} a second): ${builds} images, ${events} deliveries, ${faults} faults`,
);
if (failed) {
  await explain(failed);
  process.exit(1);
}

/** The failure that came first, of whatever thread. */
async function firstFailure(): Promise<Outcome | undefined> {
  const step = Math.min(runs, availableParallelism());
  const { promise, resolve, reject } = Promise.withResolvers<Outcome | undefined>();
  const workers = Array.from({ length: step }, (_, index) => {
    const workerData = { first: first + index, step, last: first + runs - 1 };
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData });
    worker.on('message', (outcome: Outcome) => {
      totals.done += 1;
      totals.faults += outcome.faults;
      totals.events += outcome.events;
      totals.builds += outcome.builds;
      if (totals.done % 1000 === 0 && totals.done < runs) {
        console.error(`${totals.done} runs …`);
      }
      if (outcome.violations.length > 0) {
        resolve(outcome);
      } else if (totals.done === runs) {
        resolve(undefined);
      }
    });
    worker.on('error', reject);
    return worker;
  });
  const outcome = await promise;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return outcome;
}

async function explain({ seed, violations }: Outcome): Promise<void> {
  console.log(`\nSEED=${seed} fails:`);
  show(violations);
  console.log(`making it small (at most ${values.shrink} s) …`);
  const { without, left, violations: remaining } = await shrink(seed, Number(values.shrink) * 1000);
  console.log(`\nthe shortest that still fails, with ${left.length} operations and faults:`);
  show(remaining);
  await run({ seed, without, trace: console.log });
  console.log(`\nthe whole run: make chaos SEED=${seed} TRACE=1`);
}

function show(violations: Violation[]): void {
  for (const { invariant, what } of violations) {
    console.log(`  ${invariant}: ${what}\n      (${INVARIANTS[invariant]})`);
  }
}
