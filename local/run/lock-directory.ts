/** One platform a directory: a file that names the process which has it. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from './is-alive.ts';

const FILE = 'platform.pid';

/** Throws where another living process has it. A lock whose process is gone is taken over. Call the result to unlock. */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, FILE);
  // Twice: the holder may end, or another may take over, between our look and our try.
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (create(file)) {
      return () => rmSync(file, { force: true });
    }
    const holder = readHolder(file);
    if (holder !== undefined && isAlive(holder)) {
      throw new Error(
        `a platform runs already in ${directory}, as process ${holder}: end that one first (kill ${holder}), or give this one a directory of its own by LOCAL_DIRECTORY=…`,
      );
    }
    rmSync(file, { force: true });
  }
  throw new Error(`two platforms start in ${directory} at once: start one of them again`);
}

/** False where the file exists; who creates it has it. */
function create(file: string): boolean {
  try {
    const descriptor = openSync(file, 'wx');
    writeSync(descriptor, `${process.pid}\n`);
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  }
}

function readHolder(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
