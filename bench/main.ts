/** `make bench`: every measurement, one after the other, printed as a table. Name some to run only those. */
import { api } from './api.ts';
import { buildRequests } from './build-requests.ts';
import { changesAtOnce } from './changes-at-once.ts';
import { coldStart } from './cold-start.ts';
import { contextStream } from './context-stream.ts';
import { door } from './door.ts';
import { laptopCodeChange } from './laptop-code-change.ts';
import { listFunctions } from './list-functions.ts';
import { type Row, rounded } from './row.ts';
import { scaleLoad } from './scale-load.ts';
import { signatures } from './signatures.ts';

const measurements: Record<string, () => Promise<Row[]>> = {
  'cold-start': coldStart,
  'context-stream': contextStream,
  'code-change': laptopCodeChange,
  'changes-at-once': changesAtOnce,
  door,
  'build-requests': buildRequests,
  'list-functions': listFunctions,
  api,
  'scale-load': scaleLoad,
  signatures,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in measurements));
if (unknown.length > 0) {
  console.error(`no such measurement: ${unknown.join(', ')}; there are: ${Object.keys(measurements).join(', ')}`);
  process.exit(1);
}

for (const [name, measure] of Object.entries(measurements)) {
  if (wanted.length > 0 && !wanted.includes(name)) {
    continue;
  }
  console.error(`measuring ${name} …`);
  for (const row of await measure()) {
    const value = `${rounded(row.value)} ${row.unit}`;
    const spread = row.p95 === undefined ? '' : `p95 ${rounded(row.p95)}`;
    const ratio = row.ratio === undefined ? '' : `× ${row.ratio.toFixed(2)} of ${row.baseline}`;
    console.log(
      [row.name.padEnd(58), value.padStart(12), spread.padStart(9), ratio.padEnd(40), row.aim ? `aim ${row.aim}` : '']
        .join('  ')
        .trimEnd(),
    );
  }
}
