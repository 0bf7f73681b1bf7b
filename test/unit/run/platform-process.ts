/** The embedded platform as a process of its own, which a test can kill. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Platform, startPlatform } from '#local/platform.ts';

export type Addresses = Omit<Platform, 'close'>;

export interface PlatformProcess extends Addresses {
  pid: number;
  /** By a signal that it cannot catch: nothing is put in order. */
  kill(): Promise<void>;
  /** In order. */
  close(): Promise<void>;
}

/** Rejects where it does not start, with what it said. */
export async function startPlatformProcess(directory: string): Promise<PlatformProcess> {
  const child = fork(import.meta.filename, [directory], { execArgv: [], silent: true });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      said += text;
    });
  }
  const ended = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  if (first === undefined) {
    throw new Error(`the platform did not start: ${said}`);
  }
  return {
    ...(first[0] as Addresses),
    pid: child.pid ?? 0,
    kill: () => end(child, ended, () => child.kill('SIGKILL')),
    close: () => end(child, ended, () => child.connected && child.send('close')),
  };
}

async function end(child: ChildProcess, ended: Promise<unknown>, ask: () => void): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    ask();
    await ended;
  }
}

if (import.meta.main) {
  const [directory = ''] = process.argv.slice(2);
  const { close, ...addresses } = await startPlatform({
    directory,
    stableWindowSeconds: 3,
    jobBackoffSeconds: 0.2,
    log: console.log,
  });
  process.send?.(addresses);
  const finish = () => close().then(() => process.exit(0));
  process.once('message', finish);
  // Whoever started us is gone.
  process.once('disconnect', finish);
}
