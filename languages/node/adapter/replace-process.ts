/** Ends what this process does, and begins anew under the same process id. */
import { log } from './fail.ts';

/** @types/node leaves it out: `process.exit` without the listeners, which may be the user's and hang. */
const { reallyExit } = process as unknown as { reallyExit(code: number): never };

/**
 * The container goes on, so that Kubernetes does not wait longer each time before it starts it again. Whoever is
 * connected loses the connection, and the platform calls again.
 */
export function replaceProcess(why: string): never {
  log('error', why);
  try {
    const [, ...args] = process.argv;
    process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...args], process.env);
  } catch {
    // Not on every system.
  }
  return reallyExit.call(process, 1);
}
