/** Runs a program to its end. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface RunOptions {
  /** Its standard input. */
  input?: string | Buffer | undefined;
  /** Its output goes to the terminal and is not returned. */
  shown?: boolean | undefined;
  /** For each line of standard output and standard error. */
  onLine?: ((line: string) => void) | undefined;
  /** Milliseconds until it is killed. */
  timeout?: number | undefined;
  cwd?: string | undefined;
  signal?: AbortSignal | undefined;
  environment?: Record<string, string> | undefined;
  /** In a process group of its own, which Ctrl-C in the terminal does not reach. */
  detached?: boolean | undefined;
}

export interface Outcome {
  /** As in a shell: 127 if there is no such program, 126 if it could not be started, 130 if it was killed. */
  code: number;
  stdout: string;
  /** What it wrote there, or why it could not be started. */
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
  // Ignored: a program may end before it has read everything, and its exit code tells more than EPIPE would.
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
