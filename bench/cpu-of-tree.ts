/** CPU time of this process and all that it has started, from /proc: Linux only. It does not depend on other work. */
import { readdirSync, readFileSync } from 'node:fs';

/** In ticks, of which Linux has 100 a second. */
const TICK_MS = 10;

interface Process {
  parent: number;
  /** Of it, and of those of its children that have ended and were waited for. */
  milliseconds: number;
}

/** Milliseconds. */
export function cpuOfTree(root = process.pid): number {
  const all = new Map<number, Process>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const found = readProcess(entry);
    if (found) {
      all.set(Number(entry), found);
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (all.has(pid) && isBelow(all.get(pid)?.parent ?? 0));
  return [...all].reduce((sum, [pid, { milliseconds }]) => sum + (isBelow(pid) ? milliseconds : 0), 0);
}

function readProcess(pid: string): Process | undefined {
  try {
    const [, text = ''] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const fields = text.split(' ').map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + each, 0);
    return { parent: fields[1] ?? 0, milliseconds: ticks * TICK_MS };
  } catch {
    return undefined;
  }
}
