/** How this folder runs kubectl and func. */
import { sayError } from '#shared/say.ts';
import { type Outcome, runProgram } from './run-program.ts';

/** Never throws for an exit code. Secrets go by `input`, the standard input, never by a file or the command line. */
export type Run = (program: string, args: string[], options?: { input?: string | Buffer }) => Promise<Outcome>;

const stopped = new AbortController();

export const run = runUntil(stopped.signal);

/** Ends what it started when the signal is aborted. */
export function runUntil(signal: AbortSignal): Run {
  return (program, args, { input } = {}) => runProgram(program, args, { input, signal });
}

/** What kubectl printed. Throws an Error with what it said where it failed. */
export async function kubectl(run: Run, args: string[], options?: { input?: string | Buffer }): Promise<string> {
  const { code, stdout, stderr } = await run('kubectl', args, options);
  if (code !== 0) {
    throw new Error(`kubectl ${args.join(' ')} failed: ${(stderr || stdout).trim()}`);
  }
  return stdout;
}

/** On Ctrl-C and on kill: ends what was started, cleans up, and says what to do next. */
export function stopOnSignal(cleanUp: () => void, message: string): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      stopped.abort();
      cleanUp();
      sayError(`\n${message}`);
      process.exit(code);
    });
  }
}
