/**
 * `make fuzz`: RUNS bad inputs (100000) from SEED (by default another one each time), two areas at a time; AREA takes
 * one alone.
 */
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Area } from './area.ts';
import { areas } from './areas.ts';
import type { Result } from './run-area.ts';

const AT_ONCE = 2;
/** Much longer than the second that an input may take, and longer than a busy machine keeps a process waiting. */
const SILENCE_MS = 60_000;

const runs = Number(process.env['RUNS'] || 100_000);
const seed = Number(process.env['SEED'] || randomInt(2 ** 31 - 1));
const only = process.env['AREA'];

const chosen = areas.filter(({ name }) => !only || name === only);
if (chosen.length === 0 || !(runs > 0) || !Number.isInteger(seed)) {
  console.error(`RUNS and SEED must be numbers, and AREA one of ${areas.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

console.log(`seed ${seed}`);
const began = performance.now();
const waiting = [...chosen];
let failed = 0;
let inputs = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let area = waiting.shift(); area !== undefined; area = waiting.shift()) {
      const count = only ? runs : Math.ceil((runs * area.share) / 100);
      const result = await run(area, count);
      inputs += count;
      const rate = Math.round(count / result.seconds);
      const slowest = `slowest ${Math.round(result.slowest)} ms`;
      console.log(
        `${area.name.padEnd(22)} ${String(count).padStart(7)} inputs ${String(rate).padStart(6)} a second  ${slowest}${result.failure ? '  FAILED' : ''}`,
      );
      if (result.failure) {
        failed += 1;
        console.error(
          `\n${area.name}: ${result.failure}\nAgain: make fuzz RUNS=${count} SEED=${seed} AREA='${area.name}'\n`,
        );
      }
    }
  }),
);
console.log(`${inputs} inputs in ${Math.round((performance.now() - began) / 1000)} s, ${failed} areas failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** A process that ends without a result has crashed. A process that is silent for too long hangs. */
function run({ name }: Area, count: number): Promise<Result> {
  const child = fork(fileURLToPath(new URL('run-area.ts', import.meta.url)), [name, String(count), String(seed)]);
  return new Promise((resolve) => {
    const started = performance.now();
    let result: Result | undefined;
    let hangs = false;
    const hung = () => {
      hangs = true;
      child.kill('SIGKILL');
    };
    let silence = setTimeout(hung, SILENCE_MS);
    child.on('message', (message) => {
      clearTimeout(silence);
      silence = setTimeout(hung, SILENCE_MS);
      if (message !== 'alive') {
        result = message as Result;
      }
    });
    child.on('exit', (code, signal) => {
      clearTimeout(silence);
      const failure = hangs ? 'an input hangs' : `the process crashed (${signal ?? code})`;
      resolve(result ?? { seconds: (performance.now() - started) / 1000, slowest: Number.NaN, failure });
    });
  });
}
