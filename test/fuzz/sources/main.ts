/**
 * `make fuzz-builds`: RUNS sources (50) of SEED (by default another one each time) are really built, started and
 * called.
 * SOURCE=number,number shows those, and what becomes of them. SLOW=1 takes those too that need a network or minutes.
 */
import { randomInt } from 'node:crypto';
import { PermanentError } from '#shared/events/errors.ts';
import { Builder, type End } from './build-source.ts';
import { wrongEnd } from './judge-end.ts';
import { described, makeSource } from './make-source.ts';
import { Random } from './random.ts';

const AT_ONCE = 2;

const { SOURCE, SEED, RUNS, SLOW } = process.env;
const seed = Number(SEED || randomInt(2 ** 31 - 1));
const builder = new Builder();
const ends = new Map<string, number>();
let wrong = 0;

if (!SOURCE) {
  console.log(`seed ${seed}`);
}
const numbers = SOURCE ? SOURCE.split(',').map(Number) : numbersOf(seed, Number(RUNS || 50));
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      await tryOne(number);
    }
  }),
);
for (const [end, count] of [...ends].sort()) {
  console.log(`${String(count).padStart(6)} ${end}`);
}
builder.close();
process.exitCode = wrong > 0 ? 1 : 0;

function numbersOf(from: number, count: number): number[] {
  const random = new Random(from);
  const numbers: number[] = [];
  while (numbers.length < count) {
    const number = random.below(2 ** 31);
    if (SLOW || !makeSource(number).slow) {
      numbers.push(number);
    }
  }
  return numbers;
}

async function tryOne(number: number): Promise<void> {
  const source = makeSource(number);
  if (SOURCE) {
    console.log(described(number, source));
  }
  const end = await builder.end(source, `source-${number}`).catch((error: unknown) => error);
  const isRefused = end instanceof PermanentError;
  if (end instanceof Error && !isRefused) {
    wrong += 1;
    console.log(`WRONG ${number} ${source.language} ${source.parts.join(', ')}\n    ${end.stack}`);
    return;
  }
  const { what, reason, message } = isRefused
    ? { what: 'refused', reason: end.reason, message: end.message }
    : (end as End);
  const name = `${source.language} ${what}${reason === undefined ? '' : ` ${reason}`}`;
  ends.set(name, (ends.get(name) ?? 0) + 1);
  const problem = isRefused ? undefined : wrongEnd(source, end as End);
  if (problem !== undefined) {
    wrong += 1;
    console.log(`WRONG ${number} ${source.language} ${source.parts.join(', ')}\n    ${problem}`);
  } else if (SOURCE || source.loose) {
    console.log(`${name} ${number} ${source.parts.join(', ')}\n    ${message.slice(0, 400)}`);
  }
}
