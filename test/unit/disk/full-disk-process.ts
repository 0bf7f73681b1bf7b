/** A platform's objects and its way to end, in a process whose files may not grow: it writes until it cannot. */
import { writeSync } from 'node:fs';
import { createStorage } from '#local/kubernetes/storage.ts';
import { endOnFatal } from '#local/run/fatal.ts';

const [file = ''] = process.argv.slice(2);
const storage = createStorage(file);
endOnFatal(
  (line) => console.log(line),
  // Ending writes as well.
  async () => {
    setTimeout(write);
    write();
  },
);

let written = 0;
function write(): void {
  const metadata = { name: `c${written}`, namespace: 'default' };
  storage.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { x: 'x'.repeat(10_000) } });
  written += 1;
  // At once: nothing of it may be lost at the end.
  writeSync(2, `${written}\n`);
}
setInterval(write, 1);
