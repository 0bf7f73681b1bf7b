/** One platform a directory: a file that names the process which has it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, isNode } from './process-identity.ts';

const FILE = 'platform.pid';
/** Beside it: which process of that number. */
const IDENTITY = 'platform.start';
/** The guard gives two seconds between SIGTERM and SIGKILL. */
const LONGEST_MS = 5000;
const LOOK_MS = 50;

/**
 * The directory exists. Throws where another living process has it. A lock whose process is gone is taken over, also
 * where another process has its number by now. Call the result to unlock.
 */
export function lockDirectory(directory: string): () => void {
  const file = join(directory, FILE);
  const identity = join(directory, IDENTITY);
  const holder = readPid(file);
  if (holder !== undefined && isHolder(holder, identity)) {
    throw new Error(
      `a platform runs already in ${directory}, as process ${holder}: end that one first (kill ${holder}), or give this one a directory of its own by LOCAL_DIRECTORY=…`,
    );
  }
  unlock();
  try {
    // Who creates it has it.
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw cause;
    }
    throw new Error(`two platforms start in ${directory} at once: start one of them again`, { cause });
  }
  writeFileSync(identity, `${process.pid} ${identityOf(process.pid)}\n`);
  return unlock;

  function unlock(): void {
    for (const one of [identity, file]) {
      rmSync(one, { force: true });
    }
  }
}

/** `file` tells more than the number where the holder has written it: it may have been killed just before. */
function isHolder(pid: number, file: string): boolean {
  if (!isAlive(pid)) {
    return false;
  }
  const [, of, identity] = /^(\d+) (.+)\n$/.exec(existsSync(file) ? readFileSync(file, 'utf8') : '') ?? [];
  return Number(of) === pid ? identity === String(identityOf(pid)) : isNode(pid);
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
