/** The way to a person's terminal, for programs without colours. Biome forbids `console` beside it (noConsole). */
import { printable } from './printable.ts';

/** To standard output. */
export function say(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** To standard error. Takes what was thrown as well: of an Error its message. */
export function sayError(error: unknown): void {
  process.stderr.write(`${printable(error instanceof Error ? error.message : String(error))}\n`);
}
