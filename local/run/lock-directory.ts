/** One platform a directory: a file that names the process which has it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FILE = 'platform.pid';
/** The guard gives two seconds between SIGTERM and SIGKILL. */
const LONGEST_MS = 5000;
const LOOK_MS = 50;

/**
 * The directory exists. Throws where another living process has it. A lock whose process is gone is taken over. Call
 * the result to unlock.
 */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, FILE);
  const holder = readPid(file);
  if (holder !== undefined && isAlive(holder)) {
    throw new Error(
      `a platform runs already in ${directory}, as process ${holder}: end that one first (kill ${holder}), or give this one a directory of its own by LOCAL_DIRECTORY=…`,
    );
  }
  rmSync(file, { force: true });
  try {
    // Who creates it has it.
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
  } catch (cause) {
    throw new Error(`two platforms start in ${directory} at once: start one of them again`, { cause });
  }
  return () => rmSync(file, { force: true });
}

/**
 * After a platform was killed: waits until its guard has ended what it had started, so that no process of it works
 * beside ours. In `file` stands the guard's process id as long as it is not done.
 */
export async function awaitFormerEnd(file: string): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  for (let guard = readPid(file); guard !== undefined && isAlive(guard); guard = readPid(file)) {
    if (performance.now() > deadline) {
      return;
    }
    await sleep(LOOK_MS);
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process of this id runs on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
