/** Whether a process id still means the process that it meant: numbers are used again, after a restart from 1. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Whether a process of this id runs on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The same for one process as long as it lives, and for no other: boot and start time. Undefined where the machine does
 * not say.
 */
export function identityOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      // The name may hold spaces and parentheses. What follows it begins with the third field; the start is the 22nd.
      const start = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[22 - 3];
      return `${boot} ${start}`;
    }
    return ps(pid, 'lstart');
  } catch {
    return undefined;
  }
}

/** Whether the process is one of Node. True where the machine does not say. */
export function isNode(pid: number): boolean {
  try {
    const program = process.platform === 'linux' ? programOf(pid) : ps(pid, 'comm');
    return /node|^MainThread$/i.test(basename(program));
  } catch {
    return true;
  }
}

function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    // Somebody else's: its link may not be read, its command line may.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
  }
}

function ps(pid: number, field: string): string {
  return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
}
