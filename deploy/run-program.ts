/** Runs one program to its end. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface RunOptions {
  /** What it reads from standard input. */
  input?: string | Buffer | undefined;
  /** Its output goes to the terminal as it is, and is not returned. */
  shown?: boolean | undefined;
  /** Of both streams. */
  onLine?: ((line: string) => void) | undefined;
  /** Milliseconds until it is killed. */
  timeout?: number | undefined;
  cwd?: string | undefined;
  signal?: AbortSignal | undefined;
  environment?: Record<string, string> | undefined;
  /** In a group of its own, which Ctrl-C in the terminal does not reach. */
  detached?: boolean | undefined;
}

export interface Outcome {
  /** As a shell says it: 127 where there is no such program, 126 where it could not be started, 130 where it was killed. */
  code: number;
  stdout: string;
  /** What it said there, or why it could not be started. */
  stderr: string;
}

export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const signal = AbortSignal.any([
    ...(options.signal ? [options.signal] : []),
    ...(options.timeout === undefined ? [] : [AbortSignal.timeout(options.timeout)]),
  ]);
  const piped = options.shown ? 'inherit' : 'pipe';
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', piped, piped],
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    detached: options.detached ?? false,
    signal,
  });
  const heard = { stdout: '', stderr: '' };
  for (const [stream, into] of [[child.stdout, 'stdout'] as const, [child.stderr, 'stderr'] as const]) {
    if (stream) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        heard[into] += text;
      });
      if (options.onLine) {
        createInterface({ input: stream }).on('line', options.onLine);
      }
    }
  }
  // The program may end before it has read everything: its exit code tells more than EPIPE would.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);
  child.on('error', (error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT';
    const told = isMissing ? `${program} is not installed` : error.message;
    resolve({ code: isMissing ? 127 : 126, stdout: heard.stdout, stderr: heard.stderr || told });
  });
  child.on('close', (code) => resolve({ code: code ?? 130, ...heard }));
  return promise;
}
