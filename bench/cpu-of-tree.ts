/** CPU time of this process and all that it has started, from /proc: Linux only. It does not depend on other work. */
import { readdirSync, readFileSync } from 'node:fs';
import { builderFunctionOf } from './peak-memory.ts';

/** In ticks, of which Linux has 100 a second. */
const TICK_MS = 10;

interface Process {
  parent: number;
  milliseconds: number;
  /** Of its children that have ended. */
  ended: number;
}

/** Milliseconds by what the processes are. */
export type Cpu = Map<string, number>;

export function cpuOfTree(root = process.pid): Cpu {
  const all = new Map<number, Process>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const found = readProcess(entry);
    if (found) {
      all.set(Number(entry), found);
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (all.has(pid) && isBelow(all.get(pid)?.parent ?? 0));
  const cpu: Cpu = new Map();
  const add = (name: string, milliseconds: number) => cpu.set(name, (cpu.get(name) ?? 0) + milliseconds);
  for (const [pid, { milliseconds, ended }] of all) {
    if (isBelow(pid)) {
      add(pid === root ? 'the platform itself' : (builderFunctionOf(`${pid}`) ?? "the users' functions"), milliseconds);
      add('processes that have ended', ended);
    }
  }
  return cpu;
}

export function cpuSince(before: Cpu, after: Cpu): Cpu {
  return new Map([...after].map(([name, milliseconds]) => [name, milliseconds - (before.get(name) ?? 0)]));
}

function readProcess(pid: string): Process | undefined {
  try {
    const [, text = ''] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const [, parent = 0, ...fields] = text.split(' ').map(Number);
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: utime, stime, cutime, cstime
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(9, 13);
    return { parent, milliseconds: (user + system) * TICK_MS, ended: (childrenUser + childrenSystem) * TICK_MS };
  } catch {
    return undefined;
  }
}
