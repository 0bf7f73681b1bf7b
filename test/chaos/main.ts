import { run } from './run.ts';

const [first = '1', count = '100', verbose] = process.argv.slice(2);
const began = performance.now();
const seen = new Map<string, number>();
let [events, faults, builds] = [0, 0, 0];
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const result = await run({ seed, ...(verbose ? { trace: console.log } : {}) });
  events += result.events;
  faults += result.faults.length;
  builds += result.builds;
  for (const { invariant, what } of result.violations) {
    seen.set(invariant, (seen.get(invariant) ?? 0) + 1);
    if (process.env['SHOW']) console.log(seed, invariant, what);
  }
}
const seconds = (performance.now() - began) / 1000;
console.log({ seconds, perSecond: Number(count) / seconds, events, faults, builds }, seen);
