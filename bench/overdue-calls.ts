/**
 * A call that does not end, of 1 or 20 in flight, in every language: when the next event is answered, and what becomes
 * of the others. `node bench/overdue-calls.ts`, perhaps with the names of some (JavaScript), on a machine that does
 * nothing else.
 */
import { loadavg } from 'node:os';
import { KINDS } from '#test/languages/conformance/conformance-source.ts';
import { buildImage, installed } from '#test/languages/conformance/image.ts';
import { ACTS, callOverdue, SECONDS } from '#test/languages/conformance/overdue.ts';
import { startFunction } from '#test/languages/conformance/start-function.ts';

const wanted = process.argv.slice(2);
const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2);

console.log('| function | does | in flight | Timeout after | next answered after | the others |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const { name, needs, files } of KINDS) {
  if (!installed(...needs) || (wanted.length > 0 && !wanted.includes(name))) {
    continue;
  }
  const image = await buildImage(files());
  for (const act of ACTS) {
    for (const inFlight of [1, 20]) {
      const running = await startFunction(image, { FUNCTION_TIMEOUT_SECONDS: String(SECONDS) });
      const { overdue, next, others } = await callOverdue(running, act, inFlight);
      running.kill();
      const became = Object.entries(
        Object.groupBy(others, ({ outcome, times }) => `${outcome}${times > 1 ? ', called again' : ''}`),
      );
      const told = became.map(([outcome, calls]) => `${calls?.length} ${outcome}`).join('; ');
      console.log(
        `| ${name} | ${act} | ${inFlight} | ${seconds(overdue.milliseconds)} s | ${seconds(next.milliseconds)} s | ${told} |`,
      );
    }
  }
  image.remove();
}
console.error(`load of the machine: ${loadavg().map((load) => load.toFixed(1))}`);
