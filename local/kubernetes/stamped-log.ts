/** A container's log with `timestamps=true`: a time before each line, by which a client reads on (`sinceTime`). */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface StampedLog {
  /** Whole lines and their times; `rest` has no end yet. */
  read(): Promise<{ lines: string[]; times: string[]; rest: string }>;
  hasEnded(): boolean;
}

export interface StampedQuery {
  follow: boolean;
  /** RFC 3339. */
  since: string | undefined;
  tailLines: number | undefined;
}

const POLL = 200;

export async function streamStamped(
  log: StampedLog,
  { follow, since, tailLines }: StampedQuery,
  response: ServerResponse,
): Promise<void> {
  const first = (await log.read()).lines.length;
  let told = tailLines === undefined ? 0 : Math.max(0, first - tailLines);
  while (!response.destroyed) {
    // Looked up before reading: what a container wrote before it ended is then read in any case.
    const isLast = !follow || log.hasEnded();
    const { lines, times, rest } = await log.read();
    for (; told < times.length; told++) {
      const time = times[told] ?? '';
      if (since === undefined || isSince(time, since)) {
        response.write(`${time} ${lines[told]}\n`);
      }
    }
    if (isLast) {
      response.write(rest === '' ? '' : `${new Date().toISOString()} ${rest}`);
      break;
    }
    await sleep(POLL);
  }
  response.end();
}

/** By whole seconds, as the kubelet compares. */
function isSince(time: string, since: string): boolean {
  return Date.parse(time) >= Math.floor(Date.parse(since) / 1000) * 1000;
}
