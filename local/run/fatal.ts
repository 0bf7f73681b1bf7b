/** What nobody has caught: the platform says what it is, ends in order, and exits with 1. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asDiskError, DiskError } from '#local/disk/disk-error.ts';

/** The guard ends what is left after that. */
const LONGEST_MS = 10_000;

/**
 * `close` may fail as well, since it writes to the same disk. What fails after the first failure is told to nobody: it
 * is the consequence.
 */
export function endOnFatal(told: (line: string) => void, close: () => Promise<unknown> | undefined): void {
  let ending = false;
  process.on('uncaughtException', (cause: unknown) => {
    if (ending) {
      return;
    }
    ending = true;
    const error = asDiskError(cause);
    const isBug = error instanceof Error && !(error instanceof DiskError);
    told(isBug ? `the platform failed: ${error.stack}` : error instanceof Error ? error.message : String(error));
    const closed = Promise.resolve(close()).catch(() => undefined);
    void Promise.race([closed, sleep(LONGEST_MS)]).then(() => process.exit(1));
  });
}
