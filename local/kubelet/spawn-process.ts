/** A container's program as a child process with a process group of its own, which ends as a whole. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { killGroup, type OrphanGuard } from './orphan-guard.ts';

export interface ProcessOptions {
  /** Absolute. */
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Both streams are appended to it. */
  logFile: string;
  guard: OrphanGuard;
}

export interface ContainerProcess {
  pid: number;
  /** The exit code; 128 + n where signal n ended it. By then every process of the group is dead. */
  exited: Promise<number>;
  /** To the whole group. */
  signal(signal: NodeJS.Signals): void;
}

/** Rejects where the program cannot be executed (no permission, no known format). */
export async function spawnProcess(options: ProcessOptions): Promise<ContainerProcess> {
  // The file itself, not a pipe: nothing is lost or held up where this process is busy, and order is kept between the
  // streams.
  const log = openSync(options.logFile, 'a');
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(options.file, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
  const { pid } = child;
  if (pid === undefined) {
    throw await new Promise<Error>((resolve) => child.once('error', resolve));
  }
  options.guard.add(pid);
  child.on('error', () => {});
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      // As the kernel does when process 1 of a container ends. The group keeps its number while a member lives, so this
      // cannot hit a stranger.
      killGroup(pid, 'SIGKILL');
      options.guard.remove(pid);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  return { pid, exited, signal: (signal) => void killGroup(pid, signal) };
}
