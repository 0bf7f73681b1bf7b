/** Runs the command: what is thrown becomes a sentence and an exit code. */
import { CommanderError } from 'commander';
import { printable } from '#shared/printable.ts';
import { EXIT, Exit, Failure, Interrupted } from './failure.ts';
import { createProgram } from './program.ts';
import type { Runtime } from './session.ts';

/** The exit code. `args` without the programs' names. */
export async function run(args: string[], runtime: Runtime, version: string): Promise<number> {
  const program = createProgram(runtime, version);
  if (args.length === 0) {
    runtime.terminal.say(program.helpInformation().trimEnd());
    return EXIT.wrongUse;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return runtime.signal.aborted ? EXIT.interrupted : EXIT.ok;
  } catch (error) {
    return codeOf(error, runtime);
  }
}

function codeOf(error: unknown, { terminal, signal }: Runtime): number {
  const { note, paintNote } = terminal;
  if (error instanceof Exit) {
    return error.exitCode;
  }
  if (error instanceof CommanderError) {
    // commander has said it. Help that was asked for is no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.wrongUse;
  }
  if (error instanceof Interrupted || signal.aborted) {
    note(`interrupted${error instanceof Interrupted && error.told ? `. ${error.told}` : ''}`);
    return EXIT.interrupted;
  }
  if (error instanceof Failure) {
    note(`${paintNote('red', 'error')}: ${printable(error.message)}`);
    if (error.next !== undefined) {
      note(printable(error.next));
    }
    return error.exitCode;
  }
  note(
    `${paintNote('red', 'error')}: ${printable(error instanceof Error ? (error.stack ?? error.message) : String(error))}`,
  );
  note('That is a bug of the command: please report it with the lines above.');
  return EXIT.failed;
}
