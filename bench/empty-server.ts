/** The baseline of what a laptop does: a Node server that does nothing, from its spawn until it listens. */
import { tmpdir } from 'node:os';
import { median } from './row.ts';
import { whileRunning } from './start-process.ts';

const EMPTY_SERVER = "require('http').createServer((_, r) => r.end()).listen(process.env.PORT, '127.0.0.1')";
const STARTS = 3;

export const EMPTY_SERVER_NAME = 'an empty Node server, spawn → listening';

/** Milliseconds: the median of three starts, since each is short. */
export async function startEmptyServer(): Promise<number> {
  const milliseconds: number[] = [];
  for (let n = 0; n < STARTS; n += 1) {
    const program = { args: ['-e', EMPTY_SERVER], cwd: tmpdir(), env: {} };
    milliseconds.push(await whileRunning(program, async (started) => started.milliseconds));
  }
  return median(milliseconds);
}
