/**
 * `node run-area.ts NAME RUNS SEED`: one area in a process of its own, so that a crash, a hang or a full memory is seen
 * from outside.
 */
import * as fc from 'fast-check';
import { slowestInput } from './area.ts';
import { areas } from './areas.ts';

export interface Result {
  seconds: number;
  /** Milliseconds of CPU time of the slowest input. */
  slowest: number;
  /** With the seed and the smallest input that still fails. */
  failure?: string;
}

const [, , name = '', runs = '', seed = ''] = process.argv;
const area = areas.find((one) => one.name === name);
if (area === undefined) {
  throw new Error(`there is no area ${JSON.stringify(name)}; there are ${areas.map((one) => one.name).join(', ')}`);
}

const { property, close } = await area.start();
const began = performance.now();
// A process that hangs can't send this.
const alive = setInterval(() => process.send?.('alive'), 1000);
const details = await fc.check(property, { numRuns: Number(runs), seed: Number(seed) });
clearInterval(alive);
const result: Result = {
  seconds: (performance.now() - began) / 1000,
  slowest: slowestInput(),
  ...(details.failed ? { failure: `${String(details.errorInstance)}\n${fc.defaultReportMessage(details)}` } : {}),
};
await close();
process.send?.(result, () => process.exit(details.failed ? 1 : 0));
